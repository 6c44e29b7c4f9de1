// What leaves: messages are encoded on the stack and, when nothing is ahead of them and credit
// permits, written into the output at once.
#include <string>

#include "base/check.h"
#include "protocol/session_core.h"

namespace grey::protocol {
namespace {

constexpr char nil_body = static_cast<char>(0xc0);

// A message in pieces: the encoded head, the body's encoded bytes, and the value at its end.
EnvelopePieces pieces_of(const char* head, const char* head_end, const Body& body) {
  EnvelopePieces pieces{.head = {head, static_cast<std::size_t>(head_end - head)},
                        .body = body.head.empty() ? ByteView(&nil_body, 1) : body.head};
  pieces.value = &body.value;
  pieces.value_bytes = body.value.size();
  return pieces;
}

}  // namespace

Status Session::Core::ready_to_send() const {
  if (state_ == State::open) return {};
  if (state_ == State::over) return std::unexpected(over_);
  return fail(ErrorCode::overloaded, "the handshake is not over");
}

// The longest envelope that goes in one frame. Sealing must fit into the peer's cap, and a window
// must be able to open far enough for it.
std::size_t Session::Core::single_frame_max(bool needs_credit) const noexcept {
  std::uint64_t max = std::min<std::uint64_t>(own_limits().chunk_threshold_bytes,
                                              peer_.hello.payload_bytes_max - tag_bytes);
  if (needs_credit) max = std::min(max, flowcontrol::unit_bytes_max(peer_.hello.credit_bytes));
  return static_cast<std::size_t>(max);
}

Status Session::Core::submit(const Outgoing& message, Instant at) {
  const std::size_t size = message.pieces.size();
  if (size > single_frame_max(message.needs_credit())) {
    if (size <= peer_.hello.message_bytes_max) return start_out_stream(message);
    return fail(ErrorCode::value_too_large, "the peer accepts messages of " +
                                                std::to_string(peer_.hello.message_bytes_max) +
                                                " bytes, this has " + std::to_string(size));
  }
  if (message.needs_credit()) {
    if (queue_.is_behind(message.is_priority()) || !send_window_.can_send(size)) {
      return enqueue(message);
    }
    send_window_.consume(size);
  }
  write(at, message.pieces, message.flags);
  return {};
}

Status Session::Core::enqueue(const Outgoing& message) {
  if (queue_.messages() >= config_.queue_messages_max ||
      queue_.bytes() + message.pieces.size() > config_.queue_bytes_max) {
    send_refused_ = true;
    return fail(ErrorCode::overloaded, "the queue of this connection is full");
  }
  queue_.push(message);
  return {};
}

Result<std::uint64_t> Session::Core::send_request(const RequestOptions& options, const Body& body,
                                                  Instant at) {
  if (Status ready = ready_to_send(); !ready) return std::unexpected(std::move(ready.error()));
  if (goaway_received_) return fail(ErrorCode::going_away, "the peer accepts no new requests");
  if (requests_.is_full() ||
      requests_.reply_bytes_reserved() + reply_bytes_allowed(options.reply_bytes_max) >
          config_.reply_bytes_outstanding_max) {
    send_refused_ = true;
    return fail(ErrorCode::overloaded, "too many requests are outstanding on this connection");
  }
  const std::uint64_t id = requests_.insert(options.context, options.reply_bytes_max).id;
  char head[limit::envelope_head_bytes];
  const char* const head_end = encode_head({.request_id = id,
                                            .method = options.method,
                                            .deadline_ms = remaining_ms(options.deadline, at.now),
                                            .reply_bytes_max = options.reply_bytes_max,
                                            .tenant = options.tenant,
                                            .trace = options.trace,
                                            .idempotency = options.idempotency},
                                           head);
  Outgoing message{.kind = Kind::request,
                   .request_id = id,
                   .deadline = options.deadline,
                   .pieces = pieces_of(head, head_end, body)};
  if (options.priority) message.flags |= flag::priority;
  if (options.idempotency) message.flags |= flag::idempotent;
  message.deadline_offset = request_deadline_offset(id, options.method);
  const std::uint64_t frames_before = writer_.frames();
  Status submitted = submit(message, at);
  OutstandingRequest& request = *requests_.find(id);
  if (!submitted) {
    requests_.erase(request);
    return std::unexpected(std::move(submitted.error()));
  }
  request.sent = writer_.frames() != frames_before;
  return id;
}

Status Session::Core::send_oneway(const OnewayOptions& options, const Body& body, Instant at) {
  if (Status ready = ready_to_send(); !ready) return ready;
  char head[limit::envelope_head_bytes];
  const char* const head_end = encode_head(
      OnewayView{.method = options.method, .tenant = options.tenant, .trace = options.trace}, head);
  Outgoing message{.kind = Kind::oneway, .pieces = pieces_of(head, head_end, body)};
  if (options.priority) message.flags |= flag::priority;
  return submit(message, at);
}

Status Session::Core::send_response(ReplyTo to, const ResponseOptions& options, const Body& body,
                                    Instant at) {
  if (Status ready = ready_to_send(); !ready) return ready;
  GREY_CHECK(requests_unanswered_ > 0);
  --requests_unanswered_;
  char head[limit::envelope_head_bytes];
  const char* const head_end = encode_head({.request_id = to.request_id,
                                            .code = options.code,
                                            .detail = options.detail,
                                            .retry_after_ms = options.retry_after_ms},
                                           head);
  Outgoing message{.kind = Kind::response,
                   .request_id = to.request_id,
                   .pieces = pieces_of(head, head_end, body)};
  const std::size_t size = message.pieces.size();
  if (size > reply_bytes_allowed(to.reply_bytes_max) || size > peer_.hello.message_bytes_max) {
    respond_now(to.request_id, ErrorCode::reply_too_large, 0, at);
    return fail(ErrorCode::reply_too_large, std::to_string(size) + " bytes");
  }
  if (options.priority) message.flags |= flag::priority;
  return submit(message, at);
}

// A small answer of the session's own.
void Session::Core::respond_now(std::uint64_t request_id, ErrorCode code,
                                std::uint32_t retry_after_ms, Instant at) {
  char head[limit::envelope_head_bytes];
  char* end_of_head =
      encode_head({.request_id = request_id, .code = code, .retry_after_ms = retry_after_ms}, head);
  *end_of_head++ = nil_body;
  write(at, head, end_of_head);
}

CancelResult Session::Core::send_cancel(std::uint64_t request_id, ErrorCode code, Instant at) {
  OutstandingRequest* request = requests_.find(request_id);
  if (state_ != State::open || request == nullptr) return CancelResult::not_outstanding;
  if (!request->sent) {
    queue_.remove_request(request_id);
    forget_request(request_id);
    return CancelResult::unsent;
  }
  if (request->cancelled) return CancelResult::sent;
  request->cancelled = true;
  if (OutStream* stream = out_streams_.find(Kind::request, request_id)) {
    out_streams_.remove(*stream);
  }
  char envelope[limit::envelope_head_bytes];
  const Cancel cancel{.what = Cancel::What::request, .id = request_id, .code = code};
  write(at, envelope, encode(cancel, envelope));
  return CancelResult::sent;
}

Status Session::Core::ping(std::uint64_t nonce, Instant at) {
  if (Status ready = ready_to_send(); !ready) return ready;
  if (pings_.count == Pings::outstanding_max) {
    return fail(ErrorCode::overloaded, "too many PINGs are unanswered");
  }
  pings_.entries[(pings_.first + pings_.count++) % Pings::outstanding_max] = {nonce, false};
  char envelope[limit::envelope_head_bytes];
  write(at, envelope, encode_ping(Kind::ping, {.nonce = nonce}, envelope));
  return {};
}

void Session::Core::goaway(ErrorCode code, std::string_view detail, Instant at) {
  if (state_ != State::open || goaway_sent_) return;
  goaway_sent_ = true;
  char envelope[limit::envelope_head_bytes];
  write(at, envelope, encode(GoAway{code, detail}, envelope));
}

void Session::Core::release(CreditToken token, Instant at) {
  if (token.admitted_bytes != 0) unadmit(token.admitted_bytes);
  if (token.credit_bytes != 0 && state_ == State::open) return_credit(token.credit_bytes, at);
}

}  // namespace grey::protocol
