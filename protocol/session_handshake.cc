// HELLO and HELLO_ACK in sequence. Both are plain. When encryption is agreed, each side's next
// frame is an encrypted PING: the acceptor's follows HELLO_ACK in the same flight, so that a wrong
// secret is found before anything is delivered, at no extra round trip.
#include "base/check.h"
#include "protocol/handshake.h"
#include "protocol/session_core.h"

namespace grey::protocol {
namespace {
constexpr std::uint16_t plain_flags = flag::priority | flag::idempotent | flag::compressed;
constexpr std::size_t secret_bytes_min = 16;
}  // namespace

// Returns the frame, which is part of the transcript.
Bytes Session::Core::write_hello(const Hello& hello, Kind kind, Instant at) {
  char envelope[limit::envelope_head_bytes];
  const char* const envelope_end = encode_hello(hello, kind, envelope);
  SendBatch frame;
  writer_.write(
      frame, 0, at.unix_ns,
      {.head = {envelope, static_cast<std::size_t>(envelope_end - envelope)}, .body = {}});
  Bytes bytes = frame.flatten();
  out_.append(bytes);
  return bytes;
}

void Session::Core::on_handshake_frame(ByteView frame, ByteView envelope, Kind kind, Instant at) {
  if (kind == Kind::error) return on_peer_error(envelope, at);
  const bool accepting = config_.role == SessionRole::acceptor;
  if (kind != (accepting ? Kind::hello : Kind::hello_ack)) {
    return fail_with(ErrorCode::unexpected_message, "not a handshake message", at);
  }
  return accepting ? on_hello(frame, envelope, at) : on_hello_ack(frame, envelope, at);
}

void Session::Core::on_hello(ByteView frame, ByteView envelope, Instant at) {
  Result<Hello> hello = decode_hello(envelope, Kind::hello, config_.envelope);
  if (!hello) return end(hello.error(), true, at);
  if (const Status checked = check_peer(config_, *hello); !checked) {
    return end(checked.error(), true, at);
  }
  peer_.encrypted = encryption_agreed(config_, *hello);
  if (peer_.encrypted && secret_for(config_, hello->role).size() < secret_bytes_min) {
    return fail_with(ErrorCode::unauthorised, "no secret is configured for peers of this role", at);
  }
  peer_.hello = std::move(*hello);
  peer_.lane = peer_.hello.lane;
  const Hello ack = make_hello(config_, peer_.lane, config_.shard, peer_.hello.node_id);
  const Bytes ack_frame = write_hello(ack, Kind::hello_ack, at);
  if (peer_.encrypted) use_keys(frame, ack_frame);
  begin_traffic(at);
}

void Session::Core::on_hello_ack(ByteView frame, ByteView envelope, Instant at) {
  Result<Hello> ack = decode_hello(envelope, Kind::hello_ack, config_.envelope);
  if (!ack) return end(ack.error(), true, at);
  peer_.hello = std::move(*ack);
  peer_.encrypted = encryption_agreed(config_, peer_.hello);
  // Keys come before the checks: the acceptor has switched already, and would not understand a
  // refusal in plain.
  if (peer_.encrypted) use_keys(hello_frame_, frame);
  hello_frame_ = {};
  if (const Status checked = check_peer(config_, peer_.hello); !checked) {
    return end(checked.error(), true, at);
  }
  if (peer_.hello.lane != config_.lane) {
    return fail_with(ErrorCode::bad_handshake, "the acceptor answered for another lane", at);
  }
  begin_traffic(at);
}

void Session::Core::use_keys(ByteView hello_frame, ByteView hello_ack_frame) {
  const bool accepting = config_.role == SessionRole::acceptor;
  const PeerRole initiator = accepting ? peer_.hello.role : config_.self;
  const SessionKeys keys =
      derive_keys(secret_for(config_, initiator), hello_frame, hello_ack_frame);
  writer_.set_keys(accepting ? keys.acceptor : keys.initiator);
  opener_.set_keys(accepting ? keys.initiator : keys.acceptor);
}

void Session::Core::begin_traffic(Instant at) {
  const flowcontrol::Credit granted{peer_.hello.credit_bytes, peer_.hello.credit_messages};
  GREY_CHECK(send_window_.on_grant(granted).has_value());  // check_peer() has bounded it
  receive_window_ =
      flowcontrol::ReceiveWindow({own_limits().credit_bytes, own_limits().credit_messages});
  rules_.payload_bytes_max = own_limits().payload_bytes_max;
  rules_.flags_allowed = plain_flags;
  if ((peer_.hello.features & feature::lz4) != 0) {
    writer_.set_compression(config_.compress_threshold_bytes);
  }
  if (!peer_.encrypted) return establish();
  rules_.flags_required = flag::encrypted;
  rules_.flags_allowed |= flag::encrypted;
  state_ = State::confirming;
  pings_.entries[pings_.count++] = {.nonce = 0, .own = true};
  char envelope[limit::envelope_head_bytes];
  write(at, envelope, encode_ping(Kind::ping, {.nonce = 0}, envelope));
}

void Session::Core::establish() {
  state_ = State::open;
  handshake_deadline_ = never;
  events_.established(peer_);
}

}  // namespace grey::protocol
