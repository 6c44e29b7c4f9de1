#include "rpc/server.h"

#include <tuple>
#include <utility>

namespace grey::rpc {
namespace {
// Peers beyond the connection limit that are told so at a time; more are just cut off.
constexpr std::size_t refusals_at_once = 64;
}  // namespace

class Server::Impl {
 public:
  Impl(transport::Transport& transport, ServerOptions options, RequestHandler& handler)
      : transport_(transport), options_(std::move(options)), handler_(handler) {
    options_.session.role = protocol::SessionRole::acceptor;
  }

  Status listen(const transport::Endpoint& endpoint);
  transport::Endpoint local_endpoint() const { return listener_->local_endpoint(); }
  void drain(MonotonicTime deadline, Task done);
  void close();
  std::size_t connection_count() const noexcept { return entries_.size(); }
  ServerStats stats() const { return stats_; }
  std::vector<protocol::SessionStats> connection_stats() const {
    std::vector<protocol::SessionStats> all;
    for (const auto& [id, entry] : entries_) all.push_back(entry->connection->stats());
    return all;
  }

 private:
  /// Which connection of which node; a second one replaces the first, unless that is of a later
  /// start of the node: then someone runs an old copy of it.
  using NodeLane = std::tuple<NodeId, protocol::Lane, std::uint16_t>;

  struct Entry final : ConnectionEvents {
    Entry(Impl& owner, std::uint64_t number) : server(owner), id(number) {}
    void on_established(const protocol::PeerInfo& peer) override {
      server.on_established(*this, peer);
    }
    void on_pong(Duration) override {}
    void on_goaway(ErrorCode, std::string_view) override {}
    void on_call_done(const breaker::Permit&, const Reply&) override {}
    void on_closing(const Error&) override {}
    void on_closed(const Error& reason) override { server.on_closed(id, reason); }

    Impl& server;
    const std::uint64_t id;
    bool is_refused = false;
    bool is_client = false;  // and counted as one
    std::unique_ptr<Connection> connection;
  };

  void on_accept(std::unique_ptr<transport::Stream> stream);
  void on_established(Entry& entry, const protocol::PeerInfo& peer);
  void on_closed(std::uint64_t id, const Error& reason);
  void admit_client(Entry& entry);
  void report_drained();

  transport::Transport& transport_;
  ServerOptions options_;
  RequestHandler& handler_;
  std::unique_ptr<transport::Listener> listener_;
  std::map<std::uint64_t, std::unique_ptr<Entry>> entries_;
  std::map<NodeLane, std::uint64_t> by_node_;
  std::uint64_t next_id_ = 1;
  std::size_t refusing_ = 0;
  std::size_t clients_ = 0;
  ServerStats stats_;
  Task drained_;
};

Status Server::Impl::listen(const transport::Endpoint& endpoint) {
  auto listener = transport_.listen(endpoint, [this](std::unique_ptr<transport::Stream> stream) {
    on_accept(std::move(stream));
  });
  if (!listener) return std::unexpected(std::move(listener.error()));
  listener_ = std::move(*listener);
  return {};
}

void Server::Impl::on_accept(std::unique_ptr<transport::Stream> stream) {
  const bool is_full = entries_.size() - refusing_ >= options_.connections_max;
  if (is_full && refusing_ >= refusals_at_once) {
    ++stats_.refused;
    return;
  }
  const std::uint64_t id = next_id_++;
  Entry& entry = *entries_.emplace(id, std::make_unique<Entry>(*this, id)).first->second;
  protocol::SessionConfig session = options_.session;
  session.random = options_.random();
  entry.connection = std::make_unique<Connection>(transport_, std::move(session),
                                                  options_.connection, entry, &handler_);
  entry.connection->start(std::move(stream));
  if (!is_full) {
    ++stats_.accepted;
    return;
  }
  ++stats_.refused;
  ++refusing_;
  entry.is_refused = true;
  entry.connection->close({ErrorCode::too_many_connections, {}});
}

void Server::Impl::on_established(Entry& entry, const protocol::PeerInfo& peer) {
  if (options_.authorise) {
    if (const Status allowed = options_.authorise(peer); !allowed) {
      return entry.connection->close(allowed.error());
    }
  }
  if (peer.hello.role != protocol::PeerRole::node) return admit_client(entry);
  const NodeLane key{peer.hello.node_id, peer.lane, peer.hello.shard};
  const auto [place, is_new] = by_node_.try_emplace(key, entry.id);
  if (is_new) return;
  Connection& other = *entries_.at(place->second)->connection;
  if (other.is_open() && other.peer().hello.incarnation > peer.hello.incarnation) {
    return entry.connection->close(
        {ErrorCode::duplicate_connection, "a later start of this node is connected"});
  }
  place->second = entry.id;
  other.close({ErrorCode::duplicate_connection, "from " + entry.connection->peer_address()});
}

void Server::Impl::admit_client(Entry& entry) {
  if (clients_ + options_.connections_for_nodes >= options_.connections_max) {
    ++stats_.refused;
    return entry.connection->close({ErrorCode::too_many_connections, {}});
  }
  entry.is_client = true;
  ++clients_;
}

void Server::Impl::on_closed(std::uint64_t id, const Error& reason) {
  const auto entry = entries_.find(id);
  if (entry->second->is_client) --clients_;
  if (entry->second->is_refused) {
    --refusing_;
  } else {
    ++stats_.closed;
    ++stats_.closed_by_code[reason.code];
  }
  std::erase_if(by_node_, [id](const auto& node) { return node.second == id; });
  entries_.erase(entry);
  report_drained();
}

void Server::Impl::drain(MonotonicTime deadline, Task done) {
  listener_.reset();
  drained_ = std::move(done);
  for (const auto& [id, entry] : entries_) entry->connection->drain(deadline);
  report_drained();
}

void Server::Impl::report_drained() {
  if (drained_ && entries_.empty()) transport_.post(std::exchange(drained_, {}));
}

void Server::Impl::close() {
  listener_.reset();
  for (const auto& [id, entry] : entries_) {
    entry->connection->close({ErrorCode::shutting_down, {}});
  }
}

Server::Server(transport::Transport& transport, ServerOptions options, RequestHandler& handler)
    : impl_(std::make_unique<Impl>(transport, std::move(options), handler)) {}
Server::~Server() = default;

Status Server::listen(const transport::Endpoint& endpoint) { return impl_->listen(endpoint); }
transport::Endpoint Server::local_endpoint() const { return impl_->local_endpoint(); }
void Server::drain(MonotonicTime deadline, Task done) { impl_->drain(deadline, std::move(done)); }
void Server::close() { impl_->close(); }
std::size_t Server::connection_count() const noexcept { return impl_->connection_count(); }
ServerStats Server::stats() const { return impl_->stats(); }
std::vector<protocol::SessionStats> Server::connection_stats() const {
  return impl_->connection_stats();
}

}  // namespace grey::rpc
