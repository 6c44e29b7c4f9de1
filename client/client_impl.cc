#include "client/client_impl.h"

#include <algorithm>
#include <boost/system/system_error.hpp>
#include <utility>

#include "base/check.h"
#include "client/convert.h"

namespace grey::detail {
namespace {

using client::Action;
using client::AttemptKind;
using client::OperationType;

/// How long a node that left a request unanswered is asked last.
constexpr Duration suspect_time = std::chrono::seconds(1);
constexpr std::uint32_t reply_overhead_bytes = 1024;
constexpr std::uint32_t write_reply_bytes = 4096;
constexpr std::uint32_t status_reply_bytes = 4u << 20;

std::unique_ptr<transport::asio::AsioTransport> make_transport(const ClientImpl::Strand& strand) {
  auto transport = transport::asio::AsioTransport::create(boost::asio::any_io_executor(strand));
  if (!transport) {
    throw boost::system::system_error(to_error_code(transport.error().code),
                                      transport.error().detail);
  }
  return std::move(*transport);
}

std::uint32_t method_of(OperationType type, AttemptKind attempt) {
  if (attempt == AttemptKind::resolve) return protocol::method::resolve;
  switch (type) {
    case OperationType::get:
      return protocol::method::get;
    case OperationType::put:
      return protocol::method::put;
    case OperationType::remove:
      return protocol::method::remove;
    default:
      return protocol::method::cas;
  }
}

}  // namespace

struct ClientImpl::Running {
  Running(OperationType type, Bytes key, const client::FlowOptions& options, client::Guide& guide,
          const client::Submission& question, Payload what, Done report)
      : flow(type, std::move(key), options, guide, question),
        payload(std::move(what)),
        done(std::move(report)) {}

  client::Flow flow;
  Payload payload;
  Done done;
  Bytes got;  // the value of a get
  AttemptKind attempt = AttemptKind::read;
  NodeId node = 0;
  rpc::CallId call = 0;
  transport::TimerId timer = 0;
  bool waits_for_node = false;
};

ClientImpl::ClientImpl(boost::asio::any_io_executor executor, client::Config config)
    : executor_(std::move(executor)),
      strand_(boost::asio::make_strand(executor_)),
      config_(std::move(config)),
      transport_(make_transport(strand_)),
      random_(config_.seed),
      links_(*transport_, config_, map_, book_, *this) {}

// There is something under way here only if the execution context was destroyed first: those
// handlers are destroyed uncalled then, as Asio's own are.
ClientImpl::~ClientImpl() {
  const auto operations = std::exchange(running_, {});
  const auto cluster_queries = std::exchange(cluster_queries_, {});
  const auto status_queries = std::exchange(status_queries_, {});
  links_.stop();
}

void ClientImpl::begin() { links_.start(); }

MonotonicTime ClientImpl::deadline_of(const OperationOptions& options) const {
  Duration timeout = config_.timeout;
  if (options.timeout) {
    timeout = std::clamp<Duration>(*options.timeout, std::chrono::milliseconds(1),
                                   std::chrono::hours(24));
  }
  return transport_->now() + timeout;
}

void ClientImpl::start(std::uint64_t id, OperationType type, Bytes key, OperationOptions options,
                       Payload payload, const client::Submission& question, Done done) {
  client::FlowResult refused;
  if (closed_) {
    refused.code = ErrorCode::cancelled;
  } else if (running_.size() >= config_.operations_max) {
    refused = {.code = ErrorCode::overloaded,
               .detail = "too many operations under way",
               .submission = {},
               .version = {}};
  } else if (key.empty()) {
    refused = {.code = ErrorCode::bad_request,
               .detail = "a key has at least one byte",
               .submission = {},
               .version = {}};
  } else if (key.size() > protocol::limit::key_bytes) {
    refused.code = ErrorCode::key_too_large;
  } else if (payload.value.size() > protocol::limit::value_bytes ||
             payload.expect.bytes().size() > protocol::limit::value_bytes) {
    refused.code = ErrorCode::value_too_large;
  }
  if (refused.code != ErrorCode::ok) return done(refused, {});

  auto running = std::make_unique<Running>(type, std::move(key), config_.flow,
                                           static_cast<client::Guide&>(*this), question,
                                           std::move(payload), std::move(done));
  client::Flow& flow = running->flow;
  running_.emplace(id, std::move(running));
  carry_out(id, flow.start(transport_->now(), deadline_of(options)));
}

// Until the operation waits for something or is over.
void ClientImpl::carry_out(std::uint64_t id, Action action) {
  Running& running = *running_.at(id);
  for (;;) {
    if (action.refresh) links_.refresh();
    switch (action.kind) {
      case Action::Kind::finish:
        return finish(id);
      case Action::Kind::wait:
        if (running.flow.is_asking()) return;  // cancelled: the call's end is awaited
        running.waits_for_node = action.on_node_up;
        running.timer = transport_->schedule_at(action.at, [this, id] { wake(id); });
        return;
      case Action::Kind::send:
        if (send(id, running, action)) return;
        action = running.flow.on_reply({.end = {ErrorCode::connection_refused, false, false}},
                                       transport_->now());
    }
  }
}

bool ClientImpl::send(std::uint64_t id, Running& running, const Action& action) {
  rpc::Channel* channel = links_.channel_of(action.node);
  if (channel == nullptr || closed_) return false;
  running.node = action.node;
  running.attempt = action.attempt;
  head_.clear();
  const bool with_value = encode_request(running.flow, running.payload, action, head_) &&
                          !running.payload.value.empty();
  protocol::Body body{.head = head_, .value = {}};
  if (with_value) body.value = running.payload.value;
  rpc::CallOptions options;
  options.method = method_of(running.flow.type(), action.attempt);
  options.deadline = action.at;
  options.reply_bytes_max =
      action.attempt == AttemptKind::read ? action.reply_bytes_max : write_reply_bytes;
  options.tenant = config_.tenant;
  if (action.attempt == AttemptKind::submit) options.idempotency = action.submission.operation;
  running.call = channel->call(options, body, *this, id);
  return true;
}

void ClientImpl::on_reply(std::uint64_t id, const rpc::Reply& reply) {
  const auto found = running_.find(id);
  if (found == running_.end()) return;  // the client is being destroyed with its context
  Running& running = *found->second;
  running.call = 0;
  note_node(running, reply);
  const client::FlowReply read = read_reply(running, reply);
  carry_out(id, running.flow.on_reply(read, transport_->now()));
}

void ClientImpl::note_node(const Running& running, const rpc::Reply& reply) {
  if (reply.answered) {
    map_.clear_suspect(running.node);
  } else if (reply.sent && reply.code == ErrorCode::deadline_exceeded) {
    map_.set_suspect(running.node, transport_->now() + suspect_time);
  }
}

client::FlowReply ClientImpl::read_reply(Running& running, const rpc::Reply& reply) {
  client::FlowReply out{.end = {reply.code, reply.sent, reply.answered},
                        .retry_after_ms = reply.retry_after_ms,
                        .detail = reply.detail};
  if (!reply.answered || !map_.known()) return out;
  protocol::WireHint hint;
  ErrorCode bad = ErrorCode::ok;
  if (reply.ok() && running.attempt == AttemptKind::read) {
    protocol::GetReply got;
    bad = protocol::decode(reply.body, {}, got);
    hint = got.hint;
    out.version = got.version;
    if (bad == ErrorCode::ok) running.got.assign(got.value);
  } else if (reply.ok() && running.attempt == AttemptKind::resolve) {
    protocol::ResolveReply resolved;
    bad = protocol::decode(reply.body, resolved);
    hint = resolved.hint;
    out.resolution = resolved.outcome;
  } else {
    protocol::WriteReply written;
    // Errors of the rpc layer have bodies of their own or none: only success must decode.
    const ErrorCode decoded = protocol::decode(reply.body, written);
    if (reply.ok()) bad = decoded;
    hint = written.hint;
    out.version = written.version;
  }
  if (bad != ErrorCode::ok) {
    out.end.code = bad;
    return out;
  }
  book_.note_hint(map_.range_of(config_.tenant, running.flow.key()), hint);
  return out;
}

void ClientImpl::wake(std::uint64_t id) {
  Running& running = *running_.at(id);
  running.timer = 0;
  running.waits_for_node = false;
  carry_out(id, running.flow.on_wake(transport_->now()));
}

void ClientImpl::wake_all_for_nodes() {
  std::vector<std::uint64_t> waiting;
  for (const auto& [id, running] : running_) {
    if (running->waits_for_node) waiting.push_back(id);
  }
  std::sort(waiting.begin(), waiting.end());  // first come, first served
  for (const std::uint64_t id : waiting) {
    transport_->cancel(running_.at(id)->timer);
    wake(id);
  }
}

void ClientImpl::finish(std::uint64_t id) {
  auto node = running_.extract(id);
  Running& running = *node.mapped();
  if (running.timer != 0) transport_->cancel(running.timer);
  running.done(running.flow.result(), std::move(running.got));
}

void ClientImpl::cancel(std::uint64_t id) {
  if (const auto found = running_.find(id); found != running_.end()) {
    Running& running = *found->second;
    const NodeId node = running.node;
    const rpc::CallId call = running.call;
    const bool asking = running.flow.is_asking();
    carry_out(id, running.flow.cancel(transport_->now()));
    rpc::Channel* channel = asking ? links_.channel_of(node) : nullptr;
    if (channel != nullptr) channel->cancel(call);
  } else if (cluster_queries_.contains(id)) {
    finish_cluster(id, to_error_code(ErrorCode::cancelled));
  } else if (const auto query = status_queries_.find(id); query != status_queries_.end()) {
    rpc::Channel* channel = links_.channel_of(query->second.node);
    if (channel != nullptr) channel->cancel(query->second.call);
  }
}

void ClientImpl::candidates(ByteView key, MonotonicTime now, std::vector<NodeId>& out) {
  out.clear();
  if (map_.known() && !closed_) map_.candidates(map_.range_of(config_.tenant, key), now, out);
}

protocol::WireWindow ClientImpl::window(ByteView key) {
  return book_.window(map_.range_of(config_.tenant, key));
}

OperationId ClientImpl::next_operation() { return {config_.client_id, ++next_sequence_}; }

std::uint32_t ClientImpl::reply_bytes_full() {
  std::uint64_t value = links_.info().value_bytes_max;
  if (value == 0) value = protocol::limit::value_bytes_default;
  return static_cast<std::uint32_t>(value) + reply_overhead_bytes;
}

void ClientImpl::on_node_up(NodeId) { wake_all_for_nodes(); }

void ClientImpl::on_topology() {
  wake_all_for_nodes();
  std::vector<std::uint64_t> ids;
  for (const auto& [id, query] : cluster_queries_) ids.push_back(id);
  for (const std::uint64_t id : ids) finish_cluster(id, {});
}

void ClientImpl::start_cluster(std::uint64_t id, OperationOptions options,
                               CompletionPtr<ClusterView> completion) {
  if (closed_) return completion->complete(to_error_code(ErrorCode::cancelled), {});
  ClusterQuery& query = cluster_queries_[id];
  query.completion = std::move(completion);
  if (map_.known()) return finish_cluster(id, {});
  const MonotonicTime at =
      std::min(deadline_of(options), transport_->now() + config_.flow.connect_wait);
  query.timer = transport_->schedule_at(at, [this, id] {
    const Error why = links_.why_unreachable();
    finish_cluster(id, to_error_code(why ? why.code : ErrorCode::deadline_exceeded));
  });
}

void ClientImpl::finish_cluster(std::uint64_t id, const boost::system::error_code& error) {
  auto node = cluster_queries_.extract(id);
  transport_->cancel(node.mapped().timer);
  ClusterView view;
  if (!error) {
    view = view_of(links_.info());
    for (NodeView& row : view.nodes) {
      const rpc::Channel* channel = links_.channel_of(row.id);
      if (channel == nullptr) continue;
      row.connected = channel->is_connected();
      if (channel->state().last_error) row.last_error = channel->state().last_error.message();
    }
  } else {
    view.detail = links_.why_unreachable().detail;
  }
  node.mapped().completion->complete(error, std::move(view));
}

void ClientImpl::start_status(std::uint64_t id, NodeId node, OperationOptions options,
                              CompletionPtr<StatusResult> completion) {
  rpc::Channel* channel = closed_ ? nullptr : links_.channel_of(node);
  if (channel == nullptr) {
    const ErrorCode code = closed_ ? ErrorCode::cancelled : ErrorCode::usage;
    return completion->complete(to_error_code(code), {{}, "the topology has no such node"});
  }
  StatusQuery& query = status_queries_[id];
  query.completion = std::move(completion);
  query.node = node;
  rpc::CallOptions call;
  call.method = protocol::method::status;
  call.deadline = deadline_of(options);
  call.reply_bytes_max = status_reply_bytes;
  call.tenant = config_.tenant;
  query.call = channel->call(call, {}, [this, id](const rpc::Reply& reply) {
    auto ended = status_queries_.extract(id);
    if (ended.empty()) return;
    StatusResult result{Bytes(reply.body), std::string(reply.detail)};
    const bool aborted = !reply.answered && reply.code == ErrorCode::closed_locally;
    ended.mapped().completion->complete(to_error_code(aborted ? ErrorCode::cancelled : reply.code),
                                        std::move(result));
  });
}

// Operations that wait end here; those that have a call out end when the links go, because only
// then it is known whether anything left.
void ClientImpl::shut_down() {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, running] : running_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  for (const std::uint64_t id : ids) {
    Running& running = *running_.at(id);
    carry_out(id, running.flow.cancel(transport_->now()));
  }
  ids.clear();
  for (const auto& [id, query] : cluster_queries_) ids.push_back(id);
  for (const std::uint64_t id : ids) finish_cluster(id, to_error_code(ErrorCode::cancelled));
  closed_ = true;
  links_.stop();
  GREY_CHECK(running_.empty() && status_queries_.empty());
}

}  // namespace grey::detail
