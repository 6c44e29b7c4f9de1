// Our calls: from call() to their completion.
#include <utility>

#include "rpc/connection_core.h"

namespace grey::rpc {
namespace {

class OneCall final : public CallSink {
 public:
  explicit OneCall(CallFunction done) : done_(std::move(done)) {}
  void on_reply(std::uint64_t, const Reply& reply) override {
    const std::unique_ptr<OneCall> self(this);
    done_(reply);
  }

 private:
  CallFunction done_;
};

}  // namespace

CallSink& sink_of(CallFunction done) { return *new OneCall(std::move(done)); }

CallId ConnectionCore::call(const CallOptions& options, const protocol::Body& body, CallSink& sink,
                            std::uint64_t cookie, const breaker::Permit& permit) {
  PendingCall& call = calls_.insert(sink, cookie, permit);
  const CallId id = call.id;
  const MonotonicTime now = instant().now;
  const MonotonicTime deadline = std::min(options.deadline, now + options_.call_timeout_max);
  if (state_ >= State::closing) {
    end_call(call, close_reason_, false);
  } else if (draining_) {
    end_call(call, {ErrorCode::going_away, "this side is closing the connection"}, false);
  } else if (deadline <= now) {
    end_call(call, {ErrorCode::deadline_exceeded, "expired before it was sent"}, false);
  } else {
    deadlines_.set(PendingCalls::slot_of(id), deadline, now);
    CallOptions bounded = options;
    bounded.deadline = deadline;
    submit(call, bounded, body);
    if (deadline < armed_at_) arm(deadlines_.next());
  }
  return id;
}

CallId ConnectionCore::refuse_call(const Error& why, CallSink& sink, std::uint64_t cookie) {
  PendingCall& call = calls_.insert(sink, cookie, {.is_bypass = true});
  end_call(call, why, false);
  return call.id;
}

void ConnectionCore::submit(PendingCall& call, const CallOptions& options,
                            const protocol::Body& body) {
  if (state_ != State::open) {
    WaitingCall waiting{
        call.id,          options,   Bytes(options.tenant), Bytes(options.trace.baggage),
        Bytes(body.head), body.value};
    if (waiting_.size() >= waiting_max_ || waiting_bytes_ + waiting.size() > waiting_bytes_max_) {
      return end_call(call, {ErrorCode::overloaded, "too many calls wait for the connection"},
                      false);
    }
    waiting_bytes_ += waiting.size();
    waiting_.push_back(std::move(waiting));
    return;
  }
  Result<std::uint64_t> sent = session_.send_request({.method = options.method,
                                                      .deadline = options.deadline,
                                                      .reply_bytes_max = options.reply_bytes_max,
                                                      .tenant = options.tenant,
                                                      .trace = options.trace,
                                                      .idempotency = options.idempotency,
                                                      .priority = options.priority,
                                                      .context = call.id},
                                                     body, instant());
  if (!sent) return end_call(call, std::move(sent.error()), false);
  call.request_id = *sent;
  post_turn();
}

void ConnectionCore::submit_waiting() {
  while (!waiting_.empty()) {
    WaitingCall waiting = std::move(waiting_.front());
    waiting_.pop_front();
    PendingCall* call = calls_.find(waiting.id);
    if (call == nullptr || call->ended) continue;
    waiting.options.tenant = waiting.tenant;
    waiting.options.trace.baggage = waiting.baggage;
    submit(*call, waiting.options, {waiting.head, waiting.value});
  }
  waiting_bytes_ = 0;
}

bool ConnectionCore::cancel(CallId id) {
  PendingCall* call = calls_.find(id);
  if (call == nullptr || call->ended) return false;
  end_call(*call, {ErrorCode::cancelled, {}}, withdraw(*call, ErrorCode::cancelled));
  return true;
}

// Takes a call back from the session. True if the peer may have seen it.
bool ConnectionCore::withdraw(const PendingCall& call, ErrorCode why) {
  if (call.request_id == 0) return false;
  const bool sent = session_.may_have_been_sent(call.request_id);
  session_.send_cancel(call.request_id, why, instant());
  post_turn();
  return sent;
}

void ConnectionCore::end_call(PendingCall& call, Error error, bool sent) {
  call.ended = true;
  deadlines_.drop(PendingCalls::slot_of(call.id));
  ended_.push_back({call.id, sent, std::move(error)});
  post_turn();
}

void ConnectionCore::complete_ended() {
  // Those that are added meanwhile wait for the next turn, unless there is none any more.
  for (std::size_t left = ended_.size(); left > 0 && !ended_.empty(); --left) {
    const Ending ending = std::move(ended_.front());
    ended_.pop_front();
    Reply reply;
    reply.code = ending.error.code;
    reply.sent = ending.sent;
    reply.detail = ending.error.detail;
    complete(*calls_.find(ending.id), reply);
  }
}

void ConnectionCore::complete(PendingCall& call, const Reply& reply) {
  CallSink& sink = *call.sink;
  const std::uint64_t cookie = call.cookie;
  const breaker::Permit permit = call.permit;
  deadlines_.drop(PendingCalls::slot_of(call.id));
  calls_.erase(call);
  if (events_ != nullptr) events_->on_call_done(permit, reply);
  sink.on_reply(cookie, reply);
}

void ConnectionCore::response(const protocol::ResponseView& response, std::uint64_t context,
                              const SharedBytes& chunked) {
  PendingCall* call = calls_.find(context);
  if (call == nullptr || call->ended) return;  // given up meanwhile
  complete(*call, {.code = response.code,
                   .sent = true,
                   .answered = true,
                   .retry_after_ms = response.retry_after_ms,
                   .detail = response.detail,
                   .body = response.body,
                   .chunked = &chunked});
}

void ConnectionCore::expire_calls() {
  due_.clear();
  deadlines_.expire(now_.now, due_);
  if (due_.empty()) return;
  std::vector<CallId> expired;  // a completion may end others, or everything
  for (const std::uint32_t slot : due_) expired.push_back(calls_.at(slot).id);
  for (const CallId id : expired) {
    PendingCall* call = calls_.find(id);
    if (call == nullptr || call->ended) continue;
    Reply reply;
    reply.code = ErrorCode::deadline_exceeded;
    reply.sent = withdraw(*call, ErrorCode::deadline_exceeded);
    complete(*call, reply);
  }
}

// The peer takes no more. It may close as soon as what has been sent is answered, so what has not
// must not leave any more, or it would be in doubt for nothing.
void ConnectionCore::end_unsent_calls(const Error& reason) {
  for (const CallId id : calls_.ids()) {
    PendingCall& call = *calls_.find(id);
    if (call.ended || session_.may_have_been_sent(call.request_id)) continue;
    withdraw(call, reason.code);
    end_call(call, reason, false);
  }
}

void ConnectionCore::end_all_calls() {
  waiting_.clear();
  for (const CallId id : calls_.ids()) {
    PendingCall& call = *calls_.find(id);
    if (call.ended) continue;
    const bool sent = call.request_id != 0 && session_.may_have_been_sent(call.request_id);
    end_call(call, close_reason_, sent);
  }
}

Status ConnectionCore::send_oneway(const protocol::OnewayOptions& options,
                                   const protocol::Body& body) {
  if (state_ >= State::closing) return std::unexpected(close_reason_);
  if (draining_) return fail(ErrorCode::going_away, "this side is closing the connection");
  Status sent = session_.send_oneway(options, body, instant());
  if (sent) post_turn();
  return sent;
}

}  // namespace grey::rpc
