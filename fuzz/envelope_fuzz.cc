// Every decoder of envelopes over the fuzzer's bytes. What is accepted must survive being encoded
// and decoded again; what is refused must be refused by name. Then a session receives the same
// bytes in a right frame, as its first message and as a later one.
#include "base/check.h"
#include "fuzz/byte_source.h"
#include "protocol/frame_writer.h"
#include "protocol/messages.h"
#include "protocol/testing/session_pair.h"

namespace {

using namespace grey;
using namespace grey::protocol;

constexpr msgpack::Limits limits{.depth_max = 8, .elements_max = 1000, .str_bytes_max = 4096};

bool is_named(ErrorCode code) {
  switch (code) {
    case ErrorCode::ok:
    case ErrorCode::bad_envelope:
    case ErrorCode::envelope_too_deep:
    case ErrorCode::envelope_too_many_elements:
    case ErrorCode::envelope_value_too_large:
    case ErrorCode::unexpected_message:
      return true;
    default:
      return false;
  }
}

template <typename Message, typename Encode>
void round_trip(ByteView envelope, Encode encode_into) {
  Message message;
  const ErrorCode code = decode(envelope, limits, message);
  GREY_CHECK(is_named(code));
  if (code != ErrorCode::ok) return;
  char buffer[limit::envelope_head_bytes];
  const Bytes again = encode_into(message, buffer);
  Message twice;
  GREY_CHECK(decode(again, limits, twice) == ErrorCode::ok);
  char second[limit::envelope_head_bytes];
  GREY_CHECK(encode_into(twice, second) == again);
}

Bytes between(const char* begin, const char* end) {
  return Bytes(begin, static_cast<std::size_t>(end - begin));
}

void decode_all(ByteView envelope) {
  Kind kind;
  GREY_CHECK(is_named(decode_kind(envelope, kind)));
  const auto whole = [](const auto& message, char* to) { return between(to, encode(message, to)); };
  const auto with_body = [](const auto& message, char* to) {
    return between(to, encode_head(message, to)) + Bytes(message.body);
  };
  round_trip<Ping>(envelope, [](const Ping& ping, char* to) {
    return between(to, encode_ping(Kind::ping, ping, to));
  });
  round_trip<Credit>(envelope, whole);
  round_trip<Cancel>(envelope, whole);
  round_trip<GoAway>(envelope, whole);
  round_trip<ErrorMessage>(envelope, whole);
  round_trip<RequestView>(envelope, with_body);
  round_trip<ResponseView>(envelope, with_body);
  round_trip<OnewayView>(envelope, with_body);
  round_trip<ChunkView>(envelope, [](const ChunkView& chunk, char* to) {
    return between(to, encode_head(chunk, chunk.data.size(), to)) + Bytes(chunk.data);
  });
  for (const Kind hello_kind : {Kind::hello, Kind::hello_ack}) {
    const auto hello = decode_hello(envelope, hello_kind, limits);
    if (!hello) {
      GREY_CHECK(hello.error().code == ErrorCode::bad_handshake);
      continue;
    }
    char buffer[limit::envelope_head_bytes];
    const Bytes again = between(buffer, encode_hello(*hello, hello_kind, buffer));
    GREY_CHECK(decode_hello(again, hello_kind, limits).has_value());
  }
}

void deliver(ByteView envelope, bool after_handshake, std::uint16_t flags) {
  testing::SessionPair pair;
  pair.acceptor.session.start(pair.at);
  FrameWriter writer;
  SendBatch batch;
  if (after_handshake) {
    pair.initiator.session.start(pair.at);
    pair.acceptor.session.receive(testing::take_all(pair.initiator.session, pair.at), pair.at);
    GREY_CHECK(pair.acceptor.session.send_request({}, {}, pair.at).has_value());
    writer.write(batch, 0, 0, {});  // uses up message id 1
    batch.clear();
  }
  writer.write(batch, flags, 0, {.head = envelope});
  pair.acceptor.session.receive(batch.flatten(), pair.at);
  const auto& events = pair.acceptor.events;
  if (events.failed_count != 0) {
    GREY_CHECK(events.failed_count == 1 && events.failure.code != ErrorCode::ok);
    GREY_CHECK(error_name(events.failure.code) != "unrecognised");
    GREY_CHECK(events.deliveries() == 0);
  }
  GREY_CHECK(events.deliveries() <= 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::ByteSource in(data, std::min<std::size_t>(size, 60'000));
  const std::uint16_t flags = in.byte() & (flag::priority | flag::idempotent);
  const ByteView envelope = in.rest();
  decode_all(envelope);
  deliver(envelope, false, 0);
  deliver(envelope, true, flags);
  return 0;
}
