// What arrives: frames to envelopes to events.
#include <string>

#include "base/check.h"
#include "protocol/session_core.h"

namespace grey::protocol {

void Session::Core::receive(ByteView bytes, Instant at) {
  if (state_ == State::over || bytes.empty()) return;
  GREY_CHECK(state_ != State::idle);
  last_receive_ = at.now;
  bytes_received_ += bytes.size();
  while (state_ != State::over) {
    ByteView frame;
    if (const ErrorCode bad = reader_.next(bytes, rules_, at.now, frame); bad != ErrorCode::ok) {
      return fail_with(bad, "frame " + std::to_string(rules_.message_id), at);
    }
    if (frame.empty()) break;
    on_frame(frame, at);
  }
  if (send_refused_ && state_ == State::open) notify_send_possible();
}

void Session::Core::on_frame(ByteView frame, Instant at) {
  ++frames_received_;
  ++rules_.message_id;
  ByteView envelope;
  Kind kind{};
  ErrorCode bad = opener_.open(frame, rules_.payload_bytes_max, envelope);
  if (bad == ErrorCode::ok) bad = decode_kind(envelope, kind);
  if (bad != ErrorCode::ok) return fail_with(bad, {}, at);
  if (state_ == State::handshaking) return on_handshake_frame(frame, envelope, kind, at);

  const std::uint16_t flags = decode_header(frame.data()).flags;
  if ((flags & flag::idempotent) != 0 && kind != Kind::request) {
    return fail_with(ErrorCode::unknown_flags, "only requests can be idempotent", at);
  }
  if (state_ == State::confirming && kind != Kind::ping && kind != Kind::error) {
    return fail_with(ErrorCode::unexpected_message, "the first encrypted frame must be PING", at);
  }
  on_envelope(kind, envelope, flags, at);
}

void Session::Core::on_envelope(Kind kind, ByteView envelope, std::uint16_t flags, Instant at) {
  if (is_control(kind)) return on_control(kind, envelope, at);
  control_budget_.earn(1);
  switch (kind) {
    case Kind::request:
      return on_request(envelope, flags, at);
    case Kind::response:
      return on_response(envelope, at);
    case Kind::oneway:
      return on_oneway(envelope, flags, at);
    default:
      return on_chunk(envelope, flags, at);
  }
}

void Session::Core::on_control(Kind kind, ByteView envelope, Instant at) {
  if (!control_budget_.spend(at.now)) return fail_with(ErrorCode::control_flood, {}, at);
  const auto decode_and = [&](auto message, auto handle) {
    const ErrorCode bad = decode(envelope, config_.envelope, message);
    if (bad != ErrorCode::ok) return fail_with(bad, {}, at);
    handle(message);
  };
  switch (kind) {
    case Kind::ping:
      return decode_and(Ping{}, [&](const Ping& m) { on_ping(m, at); });
    case Kind::pong:
      return decode_and(Ping{}, [&](const Ping& m) { on_pong(m, at); });
    case Kind::credit:
      return decode_and(Credit{}, [&](const Credit& m) { on_credit(m, at); });
    case Kind::cancel:
      return decode_and(Cancel{}, [&](const Cancel& m) { on_cancel(m, at); });
    case Kind::goaway:
      return decode_and(GoAway{}, [&](const GoAway& m) {
        goaway_received_ = true;
        events_.goaway(m);
      });
    case Kind::error:
      return on_peer_error(envelope, at);
    default:
      return fail_with(ErrorCode::unexpected_message, "a second handshake", at);
  }
}

void Session::Core::on_ping(const Ping& ping, Instant at) {
  char envelope[limit::envelope_head_bytes];
  write(at, envelope, encode_ping(Kind::pong, ping, envelope));
  if (state_ == State::confirming) establish();
}

void Session::Core::on_pong(const Ping& pong, Instant at) {
  if (pings_.count == 0 || pings_.entries[pings_.first].nonce != pong.nonce) {
    return fail_with(ErrorCode::unexpected_message, "PONG without its PING", at);
  }
  const bool own = pings_.entries[pings_.first].own;
  pings_.first = (pings_.first + 1) % Pings::outstanding_max;
  --pings_.count;
  if (!own) events_.pong(pong.nonce);
}

void Session::Core::on_credit(const Credit& credit, Instant at) {
  // A peer never needs to have more than its initial window granted ahead of what was spent.
  const flowcontrol::Credit spent = send_window_.spent();
  const flowcontrol::Credit totals{credit.bytes_total, credit.messages_total};
  if (totals.bytes > spent.bytes + peer_.hello.credit_bytes ||
      totals.messages > spent.messages + peer_.hello.credit_messages) {
    return fail_with(ErrorCode::bad_credit, "a grant beyond the window", at);
  }
  if (const Status granted = send_window_.on_grant(totals); !granted) {
    return end(granted.error(), true, at);
  }
  pump(at);
}

void Session::Core::on_cancel(const Cancel& cancel, Instant at) {
  if (cancel.what == Cancel::What::stream) {
    OutStream* stream = out_streams_.find_stream(cancel.id);
    if (stream == nullptr || stream->message.kind != Kind::oneway) return;
    ++oneways_refused_;
    return out_streams_.remove(*stream);
  }
  if (InStream* arriving = in_streams_.find(Kind::request, cancel.id)) {
    drop_in_stream(*arriving);
    return respond_now(cancel.id, ErrorCode::cancelled, 0, at);
  }
  if (OutStream* answer = out_streams_.find(Kind::response, cancel.id)) {
    out_streams_.remove(*answer);
    return respond_now(cancel.id, ErrorCode::outcome_unknown, 0, at);  // it was executed
  }
  events_.cancel(cancel.id, cancel.code);
}

void Session::Core::on_peer_error(ByteView envelope, Instant at) {
  ErrorMessage error;
  const ErrorCode bad = decode(envelope, config_.envelope, error);
  if (bad != ErrorCode::ok) return fail_with(bad, {}, at);
  std::string detail = "reported by the peer";
  if (!error.detail.empty()) detail.append(": ").append(error.detail);
  const auto number = static_cast<std::uint16_t>(error.code);
  if (number == 0 || !is_known_error(number)) {
    error.code = ErrorCode::peer_closed;
    detail.append(" with error ").append(std::to_string(number));
  }
  end({error.code, std::move(detail)}, false, at);
}

void Session::Core::on_request(ByteView envelope, std::uint16_t flags, Instant at) {
  if (!take_credit(envelope.size(), at)) return;
  RequestView request;
  const ErrorCode bad = decode(envelope, config_.envelope, request);
  if (bad != ErrorCode::ok) return fail_with(bad, {}, at);
  request.priority = (flags & flag::priority) != 0;
  if (((flags & flag::idempotent) != 0) != static_cast<bool>(request.idempotency)) {
    return fail_with(ErrorCode::unknown_flags, "Idempotent flag and request disagree", at);
  }
  deliver_request(request, {.credit_bytes = envelope.size()}, {}, at);
}

void Session::Core::deliver_request(const RequestView& request, CreditToken token,
                                    const SharedBytes& chunked, Instant at) {
  if (goaway_sent_) {
    respond_now(request.request_id, ErrorCode::going_away, 0, at);
    return release(token, at);
  }
  ++requests_unanswered_;
  events_.request(request, {request.request_id, request.reply_bytes_max}, token, chunked);
}

void Session::Core::on_oneway(ByteView envelope, std::uint16_t flags, Instant at) {
  if (!take_credit(envelope.size(), at)) return;
  OnewayView oneway;
  const ErrorCode bad = decode(envelope, config_.envelope, oneway);
  if (bad != ErrorCode::ok) return fail_with(bad, {}, at);
  oneway.priority = (flags & flag::priority) != 0;
  events_.oneway(oneway, {.credit_bytes = envelope.size()}, {});
}

void Session::Core::on_response(ByteView envelope, Instant at) {
  ResponseView response;
  const ErrorCode bad = decode(envelope, config_.envelope, response);
  if (bad != ErrorCode::ok) return fail_with(bad, {}, at);
  deliver_response(response, envelope.size(), {}, at);
}

void Session::Core::deliver_response(const ResponseView& response, std::size_t envelope_bytes,
                                     const SharedBytes& chunked, Instant at) {
  OutstandingRequest* request = requests_.find(response.request_id);
  if (request == nullptr || !request->sent) {
    return fail_with(ErrorCode::unexpected_message, "a response without its request", at);
  }
  if (envelope_bytes > request->reply_bytes_allowed) {
    return fail_with(ErrorCode::credit_violation, "a reply larger than was allowed", at);
  }
  const std::uint64_t context = request->context;
  forget_request(response.request_id);
  events_.response(response, context, chunked);
}

// The request is over: so are chunks of it that have not left, and of a reply that was given up.
void Session::Core::forget_request(std::uint64_t request_id) {
  if (!out_streams_.empty()) {
    if (OutStream* stream = out_streams_.find(Kind::request, request_id)) {
      out_streams_.remove(*stream);
    }
  }
  if (in_streams_.size() != 0) {
    if (InStream* stream = in_streams_.find(Kind::response, request_id)) in_streams_.take(*stream);
  }
  if (OutstandingRequest* request = requests_.find(request_id)) requests_.erase(*request);
}

bool Session::Core::take_credit(std::size_t bytes, Instant at) {
  const Status taken = receive_window_.on_received(bytes);
  if (!taken) end(taken.error(), true, at);
  return taken.has_value();
}

void Session::Core::return_credit(std::uint64_t bytes, Instant at) {
  receive_window_.release(bytes);
  if (!receive_window_.grant_due()) return;
  const flowcontrol::Credit totals = receive_window_.grant();
  char envelope[limit::envelope_head_bytes];
  write(at, envelope, encode(Credit{totals.bytes, totals.messages}, envelope));
}

void Session::Core::notify_send_possible() {
  const bool room = queue_.messages() < config_.queue_messages_max &&
                    queue_.bytes() < config_.queue_bytes_max && !requests_.is_full() &&
                    requests_.reply_bytes_reserved() < config_.reply_bytes_outstanding_max &&
                    out_streams_.credited() < config_.streams_max;
  if (!room) return;
  send_refused_ = false;
  events_.send_possible();
}

}  // namespace grey::protocol
