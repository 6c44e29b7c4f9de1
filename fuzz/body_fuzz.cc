// The decoders of what REQUESTs and RESPONSEs carry: the methods of clients (data_messages.h,
// node_status.h) and of nodes among themselves (peer_messages.h). What is refused must be refused
// by the error that its side gives; what is accepted must keep the promises that the code behind
// it relies on, and survive being encoded and decoded again.
#include "base/check.h"
#include "cluster/node/peer_messages.h"
#include "cluster/ring/token.h"
#include "fuzz/byte_source.h"
#include "protocol/data_messages.h"
#include "protocol/messages.h"
#include "protocol/node_status.h"

namespace {

using namespace grey;
using namespace grey::protocol;

// Small, so that the fuzzer crosses them.
constexpr DataLimits limits{.key_bytes_max = 40, .value_bytes_max = 100};

// Rounds beyond this would overflow when someone goes above them.
bool is_sound(const WireBallot& ballot) { return ballot.round < limit::round_end; }
bool is_sound(const WireHint& hint) {
  return hint.round_seen < limit::round_end && (!hint.home || is_sound(*hint.home));
}
bool is_sound(const WireWindow& window) {
  const bool room = window.low.epoch < window.epoch ||
                    (window.low.epoch == window.epoch && window.low.round <= window.round_high);
  return room && is_sound(window.low) && window.round_high > 0 &&
         window.round_high < limit::round_end;
}
bool is_key(ByteView key) { return !key.empty() && key.size() <= limits.key_bytes_max; }
bool is_value(ByteView value) { return value.size() <= limits.value_bytes_max; }

bool is_sound(const GetRequest& m) { return is_key(m.key) && m.level == Level::majority; }
bool is_sound(const PutRequest& m) {
  return is_key(m.key) && m.operation && is_sound(m.window) && is_value(m.value);
}
bool is_sound(const RemoveRequest& m) { return is_key(m.key) && m.operation && is_sound(m.window); }
bool is_sound(const CasRequest& m) {
  return is_key(m.key) && m.operation && is_sound(m.window) && is_value(m.value) &&
         is_value(m.expected_value) && (!m.removes || m.value.empty()) &&
         (m.expect == CasRequest::Expect::version) == static_cast<bool>(m.expected_version);
}
bool is_sound(const GetReply& m) { return is_sound(m.hint) && m.version && is_value(m.value); }
bool is_sound(const WriteReply& m) { return is_sound(m.hint); }
bool is_sound(const ResolveReply& m) {
  return is_sound(m.hint) && m.outcome <= ResolveReply::Outcome::unknown;
}

template <typename Message>
ErrorCode decode_it(ByteView body, Message& out) {
  if constexpr (requires { decode(body, limits, out); }) {
    return decode(body, limits, out);
  } else {
    return decode(body, out);
  }
}

template <typename Message>
Bytes encode_it(const Message& message) {
  Bytes body;
  encode_head(message, body);
  if constexpr (requires { message.value; }) body += message.value;
  return body;
}

template <typename Message>
void round_trip(ByteView body, ErrorCode malformed) {
  Message message;
  const ErrorCode code = decode_it(body, message);
  if (code != ErrorCode::ok) {
    const bool of_size = code == ErrorCode::key_too_large || code == ErrorCode::value_too_large;
    GREY_CHECK(code == malformed || of_size);
    return;
  }
  GREY_CHECK(is_sound(message));
  const Bytes again = encode_it(message);
  Message twice;
  GREY_CHECK(decode_it(again, twice) == ErrorCode::ok);
  GREY_CHECK(encode_it(twice) == again);
}

void decode_data(ByteView body) {
  round_trip<GetRequest>(body, ErrorCode::bad_request);
  round_trip<PutRequest>(body, ErrorCode::bad_request);
  round_trip<RemoveRequest>(body, ErrorCode::bad_request);
  round_trip<CasRequest>(body, ErrorCode::bad_request);
  round_trip<GetReply>(body, ErrorCode::bad_envelope);
  round_trip<WriteReply>(body, ErrorCode::bad_envelope);
  round_trip<ResolveReply>(body, ErrorCode::bad_envelope);
}

void decode_information(ByteView body) {
  if (const auto info = decode_cluster_info(body)) {
    Bytes again;
    encode_head(*info, again);
    const auto twice = decode_cluster_info(again);
    GREY_CHECK(twice.has_value() && *twice == *info);
  } else {
    GREY_CHECK(info.error().code == ErrorCode::bad_envelope);
  }
  if (const auto status = decode_status(body)) {
    Bytes again;
    encode_status(*status, again);
    const auto twice = decode_status(again);
    GREY_CHECK(twice.has_value());
    Bytes third;
    encode_status(*twice, third);
    GREY_CHECK(third == again);
  } else {
    GREY_CHECK(status.error().code == ErrorCode::bad_envelope);
  }
}

bool is_sound(const cluster::Record& record) {
  return record.ballot.round < cluster::peer_round_end &&
         (!record.base || *record.base < record.ballot) &&
         (record.has_value() || record.value.empty());
}

void check_peer_request(const cluster::ReplicaRequest& request) {
  if (!std::holds_alternative<cluster::PrepareRangeRequest>(request.body)) {
    const cluster::KeyName& key = request.key;
    GREY_CHECK(key.tenant().size() <= limit::tenant_bytes && is_key(key.key()));
    GREY_CHECK(key.token == cluster::token_of(key.tenant(), key.key()));
  }
  if (const auto* accept = std::get_if<cluster::AcceptRequest>(&request.body)) {
    GREY_CHECK(accept->record.kind != cluster::RecordKind::absent && is_sound(accept->record));
    GREY_CHECK(is_value(accept->record.value.view()));
  }
  if (const auto* prepare = std::get_if<cluster::PrepareRequest>(&request.body)) {
    GREY_CHECK(prepare->ballot.round < cluster::peer_round_end);
  }
}

template <typename Decode, typename Encode>
void peer_round_trip(ByteView body, Decode decode_peer, Encode encode_peer) {
  const auto decoded = decode_peer(body);
  if (!decoded) return;
  const auto encoded = [&](const auto& message) {
    Bytes head;
    const SharedBytes value = encode_peer(message, head);
    return head + Bytes(value.view());
  };
  const Bytes again = encoded(*decoded);
  const auto twice = decode_peer(again);
  GREY_CHECK(twice.has_value() && encoded(*twice) == again);
}

void decode_peer(ByteView body) {
  using namespace cluster;
  for (std::uint32_t method = peer_method::read; method <= peer_method::end; ++method) {
    const auto decode_one = [method](ByteView bytes) {
      auto request = decode_peer_request(method, bytes, limits);
      if (request) {
        GREY_CHECK(method_of(*request) == method);
        check_peer_request(*request);
      } else {
        GREY_CHECK(request.error().code == (method == peer_method::end ? ErrorCode::unknown_method
                                                                       : ErrorCode::bad_request));
      }
      return request;
    };
    peer_round_trip(body, decode_one, [](const ReplicaRequest& request, Bytes& head) {
      return encode_peer_request(request, head);
    });
  }
  const auto decode_reply = [](ByteView bytes) {
    auto reply = decode_peer_reply(bytes);
    if (reply) {
      GREY_CHECK(is_sound(reply->record));
      GREY_CHECK(reply->highest_promise().round < peer_round_end);
      GREY_CHECK(reply->purge_floor.round < peer_round_end);
    } else {
      GREY_CHECK(reply.error().code == ErrorCode::bad_envelope);
    }
    return reply;
  };
  peer_round_trip(body, decode_reply, [](const ReplicaReply& reply, Bytes& head) {
    return encode_peer_reply(reply, head);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Bytes of their exact size on the heap: a read beyond their end is seen.
  const ByteView body(reinterpret_cast<const char*>(data), size);
  decode_data(body);
  decode_information(body);
  decode_peer(body);
  return 0;
}
