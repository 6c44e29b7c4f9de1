#include "client/operation_table.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "client/convert.h"

namespace grey::client {
namespace {

/// How long a node that left a request unanswered is asked last.
constexpr Duration suspect_time = std::chrono::seconds(1);
constexpr std::uint32_t reply_overhead_bytes = 1024;
constexpr std::uint32_t write_reply_bytes = 4096;

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

/// Appends the head of the body of what `action` sends. True if the payload's value follows it.
bool encode_request(const Flow& flow, const OperationTable::Payload& payload, const Action& action,
                    Bytes& head) {
  const OperationId& operation = action.submission.operation;
  const protocol::WireWindow& window = action.submission.window;
  if (action.attempt == AttemptKind::resolve) {
    protocol::encode_head(protocol::ResolveRequest{flow.key(), operation, window}, head);
    return false;
  }
  switch (flow.type()) {
    case OperationType::get:
      protocol::encode_head(protocol::GetRequest{.key = flow.key()}, head);
      return false;
    case OperationType::put:
      protocol::encode_head(
          protocol::PutRequest{flow.key(), operation, window, payload.value.view()}, head);
      return true;
    case OperationType::cas: {
      protocol::CasRequest request;
      request.key = flow.key();
      request.operation = operation;
      request.window = window;
      request.expect = static_cast<protocol::CasRequest::Expect>(payload.expect.kind());
      request.expected_value = payload.expect.bytes();
      request.expected_version = detail::id_of(payload.expect.as_version());
      request.removes = payload.cas_removes;
      request.value = payload.value.view();
      protocol::encode_head(request, head);
      return true;
    }
    default:
      protocol::encode_head(protocol::RemoveRequest{flow.key(), operation, window}, head);
      return false;
  }
}

}  // namespace

struct OperationTable::Running {
  Running(OperationType type, Bytes key, const FlowOptions& options, Guide& guide,
          const Submission& question, Payload what, Done report)
      : flow(type, std::move(key), options, guide, question),
        payload(std::move(what)),
        done(std::move(report)) {}

  Flow flow;
  Payload payload;
  Done done;
  Bytes got;  // the value of a get
  AttemptKind attempt = AttemptKind::read;
  NodeId node = 0;
  rpc::CallId call = 0;
  transport::TimerId timer = 0;
  bool waits_for_node = false;
};

OperationTable::OperationTable(transport::Transport& transport, Config config,
                               std::function<void()> on_topology)
    : transport_(transport),
      config_(std::move(config)),
      on_topology_(std::move(on_topology)),
      random_(config_.seed),
      links_(transport_, config_, map_, book_, *this) {}

OperationTable::~OperationTable() {
  const auto operations = std::exchange(running_, {});
  links_.stop();
}

void OperationTable::start(std::uint64_t id, OperationType type, Bytes key, MonotonicTime deadline,
                           Payload payload, const Submission& question, Done done) {
  FlowResult refused;
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

  auto running =
      std::make_unique<Running>(type, std::move(key), config_.flow, static_cast<Guide&>(*this),
                                question, std::move(payload), std::move(done));
  Flow& flow = running->flow;
  running_.emplace(id, std::move(running));
  carry_out(id, flow.start(transport_.now(), deadline));
}

// Until the operation waits for something or is over.
void OperationTable::carry_out(std::uint64_t id, Action action) {
  Running& running = *running_.at(id);
  for (;;) {
    if (action.refresh) links_.refresh();
    switch (action.kind) {
      case Action::Kind::finish:
        return finish(id);
      case Action::Kind::wait:
        if (running.flow.is_asking()) return;  // cancelled: the call's end is awaited
        running.waits_for_node = action.on_node_up;
        running.timer = transport_.schedule_at(action.at, [this, id] { wake(id); });
        return;
      case Action::Kind::send:
        if (send(id, running, action)) return;
        action = running.flow.on_reply({.end = {ErrorCode::connection_refused, false, false}},
                                       transport_.now());
    }
  }
}

bool OperationTable::send(std::uint64_t id, Running& running, const Action& action) {
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

void OperationTable::on_reply(std::uint64_t id, const rpc::Reply& reply) {
  const auto found = running_.find(id);
  if (found == running_.end()) return;  // the client is being destroyed with its context
  Running& running = *found->second;
  running.call = 0;
  note_node(running, reply);
  const FlowReply read = read_reply(running, reply);
  carry_out(id, running.flow.on_reply(read, transport_.now()));
}

void OperationTable::note_node(const Running& running, const rpc::Reply& reply) {
  if (reply.answered) {
    map_.clear_suspect(running.node);
  } else if (reply.sent && reply.code == ErrorCode::deadline_exceeded) {
    map_.set_suspect(running.node, transport_.now() + suspect_time);
  }
}

FlowReply OperationTable::read_reply(Running& running, const rpc::Reply& reply) {
  FlowReply out{.end = {reply.code, reply.sent, reply.answered},
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

void OperationTable::wake(std::uint64_t id) {
  Running& running = *running_.at(id);
  running.timer = 0;
  running.waits_for_node = false;
  carry_out(id, running.flow.on_wake(transport_.now()));
}

void OperationTable::wake_all_for_nodes() {
  std::vector<std::uint64_t> waiting;
  for (const auto& [id, running] : running_) {
    if (running->waits_for_node) waiting.push_back(id);
  }
  std::sort(waiting.begin(), waiting.end());  // first come, first served
  for (const std::uint64_t id : waiting) {
    transport_.cancel(running_.at(id)->timer);
    wake(id);
  }
}

void OperationTable::finish(std::uint64_t id) {
  auto node = running_.extract(id);
  Running& running = *node.mapped();
  if (running.timer != 0) transport_.cancel(running.timer);
  running.done(running.flow.result(), std::move(running.got));
}

bool OperationTable::cancel(std::uint64_t id) {
  const auto found = running_.find(id);
  if (found == running_.end()) return false;
  Running& running = *found->second;
  const NodeId node = running.node;
  const rpc::CallId call = running.call;
  const bool asking = running.flow.is_asking();
  carry_out(id, running.flow.cancel(transport_.now()));
  rpc::Channel* channel = asking ? links_.channel_of(node) : nullptr;
  if (channel != nullptr) channel->cancel(call);
  return true;
}

void OperationTable::candidates(ByteView key, MonotonicTime now, std::vector<NodeId>& out) {
  out.clear();
  if (map_.known() && !closed_) map_.candidates(map_.range_of(config_.tenant, key), now, out);
}

protocol::WireWindow OperationTable::window(ByteView key) {
  return book_.window(map_.range_of(config_.tenant, key));
}

OperationId OperationTable::next_operation() { return {config_.client_id, ++next_sequence_}; }

std::uint32_t OperationTable::reply_bytes_full() {
  std::uint64_t value = links_.info().value_bytes_max;
  if (value == 0) value = protocol::limit::value_bytes_default;
  return static_cast<std::uint32_t>(value) + reply_overhead_bytes;
}

void OperationTable::on_node_up(NodeId) { wake_all_for_nodes(); }

void OperationTable::on_topology() {
  wake_all_for_nodes();
  if (on_topology_) on_topology_();
}

// Operations that wait end here; those that have a call out end when the links go, because only
// then it is known whether anything left.
void OperationTable::shut_down() {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, running] : running_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  for (const std::uint64_t id : ids) {
    Running& running = *running_.at(id);
    carry_out(id, running.flow.cancel(transport_.now()));
  }
  closed_ = true;
  links_.stop();
  GREY_CHECK(running_.empty());
}

}  // namespace grey::client
