#include "client/testing/fake_cluster.h"

#include "base/check.h"
#include "client/cluster_map.h"
#include "protocol/node_status.h"

namespace grey::client::testing {
namespace {

using protocol::ClusterInfo;

std::array<char, 32> fixed_random() { return std::array<char, 32>{'f', 'a', 'k', 'e'}; }

}  // namespace

class FakeCluster::Node final : public rpc::RequestHandler {
 public:
  Node(FakeCluster& cluster, NodeId id) : cluster_(cluster), id_(id) {
    transport_ = std::move(*transport::asio::AsioTransport::create());
    thread_ = std::thread([this] { transport_->run(); });
    start();
  }
  ~Node() override { end(); }
  /// Ends the thread. Others may still ask for what the node is called.
  void end() {
    if (!thread_.joinable()) return;
    thaw();
    stop();
    transport_->stop();
    thread_.join();
  }

  /// Runs `work` on the node's thread and waits for it.
  void on_loop(std::function<void()> work) {
    std::promise<void> done;
    transport_->post_from_any_thread([&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  void start() {
    on_loop([this] {
      rpc::ServerOptions options;
      options.session.cluster_id = "fake";
      options.session.self = protocol::PeerRole::node;
      options.session.node_id = id_;
      options.session.incarnation = 1;
      options.random = fixed_random;
      server_ = std::make_unique<rpc::Server>(*transport_, std::move(options), *this);
      const Status listening = server_->listen({"127.0.0.1", port_});
      GREY_CHECK(listening.has_value());
      if (port_ == 0) port_ = server_->local_endpoint().port;  // kept when it starts again
    });
  }
  void stop() {
    on_loop([this] {
      server_.reset();
      held_.clear();
    });
  }
  void freeze() {
    frozen_.lock();
    transport_->post_from_any_thread([this] { const std::lock_guard wait(frozen_); });
    is_frozen_ = true;
  }
  void thaw() {
    if (std::exchange(is_frozen_, false)) frozen_.unlock();
  }

  std::string endpoint() const { return "127.0.0.1:" + std::to_string(port_); }
  NodeId id() const { return id_; }
  std::atomic<Behaviour> behaviour = Behaviour::answer;
  std::atomic<int> requests = 0;

 private:
  void on_request(const rpc::IncomingRequest& request, rpc::Responder responder) override {
    if (request.method == protocol::method::cluster_info) {
      Bytes head;
      ClusterInfo info = cluster_.info();
      info.self = id_;
      encode_head(info, head);
      (void)responder.answer({.head = head, .value = {}});
      return;
    }
    ++requests;
    if (behaviour == Behaviour::silent) {
      held_.push_back(std::move(responder));
      return;
    }
    const std::lock_guard lock(cluster_.store.mutex);
    switch (request.method) {
      case protocol::method::status:
        return on_status(responder);
      case protocol::method::get:
        return on_get(request, responder);
      case protocol::method::resolve:
        return on_resolve(request, responder);
      default:
        return on_write(request, responder);
    }
  }
  void on_oneway(const rpc::IncomingOneway&) override {}
  void on_cancel(std::uint64_t, ErrorCode) override {}

  void on_status(rpc::Responder& responder) {
    protocol::NodeStatus status;
    status.node = id_;
    status.state = "serving";
    Bytes head;
    encode_status(status, head);
    (void)responder.answer({.head = head, .value = {}});
  }

  protocol::WireHint hint() const { return {cluster_.store.round_seen, std::nullopt}; }

  void on_get(const rpc::IncomingRequest& request, rpc::Responder& responder) {
    protocol::GetRequest get;
    if (const ErrorCode bad = protocol::decode(request.body, {}, get); bad != ErrorCode::ok) {
      (void)responder.refuse(bad);
      return;
    }
    Bytes head;
    const auto found = cluster_.store.values.find(full_key(request.tenant, get.key));
    if (found == cluster_.store.values.end()) {
      encode_head(protocol::WriteReply{hint(), {}}, head);
      (void)responder.answer({ErrorCode::not_found, {}, 0, false}, {.head = head, .value = {}});
      return;
    }
    const auto& [value, version] = found->second;
    encode_head(protocol::GetReply{hint(), version, value}, head);
    (void)responder.answer({.head = head, .value = SharedBytes::copy_of(value)});
  }

  void on_resolve(const rpc::IncomingRequest& request, rpc::Responder& responder) {
    using Outcome = protocol::ResolveReply::Outcome;
    protocol::ResolveRequest resolve;
    GREY_CHECK(protocol::decode(request.body, {}, resolve) == ErrorCode::ok);
    FakeStore& shared = cluster_.store;
    ++shared.resolves;
    const bool applied = shared.applied.contains(resolve.operation);
    if (!applied) shared.refused.insert(resolve.operation);
    Bytes head;
    encode_head(protocol::ResolveReply{hint(), applied ? Outcome::applied : Outcome::never}, head);
    (void)responder.answer({.head = head, .value = {}});
  }

  void answer_write(rpc::Responder& responder, ErrorCode code, const OperationId& version,
                    std::uint32_t retry_after_ms = 0) {
    Bytes head;
    encode_head(protocol::WriteReply{hint(), version}, head);
    (void)responder.answer({code, {}, retry_after_ms, false}, {.head = head, .value = {}});
  }

  void on_write(const rpc::IncomingRequest& request, rpc::Responder& responder) {
    FakeStore& shared = cluster_.store;
    protocol::CasRequest write;
    const protocol::DataLimits limits{.value_bytes_max = shared.value_bytes_max};
    bool is_remove = false;
    ErrorCode bad = ErrorCode::ok;
    if (request.method == protocol::method::put) {
      protocol::PutRequest put;
      bad = protocol::decode(request.body, limits, put);
      write.key = put.key;
      write.operation = put.operation;
      write.window = put.window;
      write.value = put.value;
    } else if (request.method == protocol::method::remove) {
      protocol::RemoveRequest remove;
      bad = protocol::decode(request.body, limits, remove);
      write.key = remove.key;
      write.operation = remove.operation;
      write.window = remove.window;
      is_remove = true;
    } else {
      bad = protocol::decode(request.body, limits, write);
      is_remove = write.removes;
    }
    if (bad != ErrorCode::ok) return answer_write(responder, bad, {});
    if (shared.overloaded_left > 0) {
      --shared.overloaded_left;
      return answer_write(responder, ErrorCode::overloaded, {}, 5);
    }
    if (!shared.submitted.insert(write.operation).second) ++shared.repeated;
    shared.window_high_seen = write.window.round_high;
    if (shared.stale_left > 0) {
      --shared.stale_left;
      return answer_write(responder, ErrorCode::window_stale, {});
    }
    if (shared.refused.contains(write.operation)) ++shared.applied_after_refusal;
    const Bytes key = full_key(request.tenant, write.key);
    const auto found = shared.values.find(key);
    if (request.method == protocol::method::cas && !matches(write, found)) {
      return answer_write(responder, ErrorCode::precondition_failed,
                          found == shared.values.end() ? OperationId{} : found->second.second);
    }
    if (is_remove) {
      shared.values.erase(key);
    } else {
      shared.values[key] = {Bytes(write.value), write.operation};
    }
    shared.applied.insert(write.operation);
    if (behaviour == Behaviour::apply_silently) {
      held_.push_back(std::move(responder));
      return;
    }
    answer_write(responder, ErrorCode::ok, is_remove ? OperationId{} : write.operation);
  }

  using Found = std::map<Bytes, std::pair<Bytes, OperationId>>::const_iterator;
  bool matches(const protocol::CasRequest& cas, Found found) const {
    const bool present = found != cluster_.store.values.end();
    switch (cas.expect) {
      case protocol::CasRequest::Expect::absent:
        return !present;
      case protocol::CasRequest::Expect::value:
        return present && found->second.first == cas.expected_value;
      case protocol::CasRequest::Expect::version:
        return present && found->second.second == cas.expected_version;
    }
    return false;
  }

  static Bytes full_key(ByteView tenant, ByteView key) { return Bytes(tenant) + '\0' + Bytes(key); }

  FakeCluster& cluster_;
  const NodeId id_;
  std::uint16_t port_ = 0;
  std::unique_ptr<transport::asio::AsioTransport> transport_;
  std::unique_ptr<rpc::Server> server_;
  std::vector<rpc::Responder> held_;  // never answered
  std::mutex frozen_;
  bool is_frozen_ = false;
  std::thread thread_;
};

FakeCluster::FakeCluster(std::size_t nodes) {
  for (std::size_t i = 0; i < nodes; ++i) {
    nodes_.push_back(std::make_unique<Node>(*this, static_cast<NodeId>(i + 1)));
  }
}

FakeCluster::~FakeCluster() {
  // Each names all others in its answers, so the last of them ends before the first goes away.
  for (const auto& node : nodes_) node->end();
}

ClusterInfo FakeCluster::info() const {
  ClusterInfo info;
  info.epoch = 1;
  info.cluster_id = "fake";
  info.replication_factor = 3;
  info.virtual_nodes = 16;
  for (const auto& node : nodes_) info.nodes.push_back({node->id(), node->endpoint(), "", ""});
  info.round_seen = 7;
  info.value_bytes_max = store.value_bytes_max;
  info.server_version = "fake";
  return info;
}

std::vector<std::string> FakeCluster::endpoints() const {
  std::vector<std::string> out;
  for (const auto& node : nodes_) out.push_back(node->endpoint());
  return out;
}

void FakeCluster::set_behaviour(NodeId node, Behaviour behaviour) {
  nodes_[node - 1]->behaviour = behaviour;
}
void FakeCluster::stop(NodeId node) { nodes_[node - 1]->stop(); }
void FakeCluster::start(NodeId node) { nodes_[node - 1]->start(); }
void FakeCluster::freeze(NodeId node) { nodes_[node - 1]->freeze(); }
void FakeCluster::thaw(NodeId node) { nodes_[node - 1]->thaw(); }
int FakeCluster::requests_of(NodeId node) const { return nodes_[node - 1]->requests; }

NodeId FakeCluster::home_of(ByteView tenant, ByteView key) const {
  ClusterMap map;
  GREY_CHECK(map.adopt(info()).has_value());
  for (const auto& node : nodes_) map.set_up(node->id(), true);
  std::vector<NodeId> out;
  map.candidates(map.range_of(tenant, key), MonotonicTime{}, out);
  return out.front();
}

}  // namespace grey::client::testing
