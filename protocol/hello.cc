// HELLO and HELLO_ACK, the two envelopes that are decoded once per connection.
#include <algorithm>

#include "base/endian.h"
#include "protocol/messages.h"
#include "protocol/msgpack_writer.h"

namespace grey::protocol {
namespace {
constexpr std::uint32_t hello_elements = 20;
constexpr std::uint64_t max_u16 = 0xffff;
constexpr std::uint64_t max_u32 = 0xffffffff;

template <typename T>
T read_as(msgpack::Reader& in, std::uint64_t max) noexcept {
  return static_cast<T>(in.read_uint(max));
}
}  // namespace

Result<Hello> decode_hello(ByteView payload, Kind expected, const msgpack::Limits& limits) {
  msgpack::Reader in(payload, limits);
  const std::uint32_t count = in.read_array_at_least(hello_elements);
  if (in.read_uint() != static_cast<std::uint64_t>(expected) && in.ok()) {
    return fail(ErrorCode::bad_handshake, "not the expected kind");
  }
  Hello hello;
  hello.version_min = read_as<std::uint16_t>(in, max_u16);
  hello.version_max = read_as<std::uint16_t>(in, max_u16);
  hello.cluster_id = in.read_str(limit::cluster_id_bytes);
  const std::uint64_t role = in.read_uint();
  hello.node_id = read_as<NodeId>(in, max_u32);
  const ByteView client = in.read_bin_exactly(16);
  hello.incarnation = in.read_uint();
  hello.target = read_as<NodeId>(in, max_u32);
  hello.topology_hash = in.read_uint();
  const std::uint64_t lane = in.read_uint();
  hello.shard = read_as<std::uint16_t>(in, max_u16);
  hello.shard_count = read_as<std::uint16_t>(in, max_u16);
  hello.features = in.read_uint();
  const std::uint64_t encryption = in.read_uint();
  hello.payload_bytes_max = read_as<std::uint32_t>(in, max_u32);
  hello.message_bytes_max = in.read_uint();
  hello.credit_bytes = in.read_uint();
  hello.credit_messages = in.read_uint();
  const ByteView random = in.read_bin_exactly(hello.random.size());
  for (std::uint32_t i = hello_elements; i < count && in.ok(); ++i) in.skip();
  if (!in.ok() || !in.at_end()) {
    return fail(ErrorCode::bad_handshake, "handshake message is malformed");
  }
  if (role != static_cast<std::uint64_t>(PeerRole::node) &&
      role != static_cast<std::uint64_t>(PeerRole::client)) {
    return fail(ErrorCode::bad_handshake, "unknown role");
  }
  if (lane >= lane_count) return fail(ErrorCode::bad_handshake, "unknown lane");
  if (encryption > static_cast<std::uint64_t>(EncryptionMode::required)) {
    return fail(ErrorCode::bad_handshake, "unknown encryption mode");
  }
  hello.role = static_cast<PeerRole>(role);
  hello.lane = static_cast<Lane>(lane);
  hello.encryption = static_cast<EncryptionMode>(encryption);
  hello.client_id = {load_be<std::uint64_t>(client.data()),
                     load_be<std::uint64_t>(client.data() + 8)};
  std::copy(random.begin(), random.end(), hello.random.begin());
  return hello;
}

char* encode_hello(const Hello& hello, Kind kind, char* to) noexcept {
  to = msgpack::put_array_header(to, hello_elements);
  to = msgpack::put_uint(to, static_cast<std::uint64_t>(kind));
  to = msgpack::put_uint(to, hello.version_min);
  to = msgpack::put_uint(to, hello.version_max);
  to = msgpack::put_str(to, ByteView(hello.cluster_id).substr(0, limit::cluster_id_bytes));
  to = msgpack::put_uint(to, static_cast<std::uint64_t>(hello.role));
  to = msgpack::put_uint(to, hello.node_id);
  char client[16];
  store_be(client, hello.client_id.high);
  store_be(client + 8, hello.client_id.low);
  to = msgpack::put_bin(to, ByteView(client, sizeof client));
  to = msgpack::put_uint(to, hello.incarnation);
  to = msgpack::put_uint(to, hello.target);
  to = msgpack::put_uint(to, hello.topology_hash);
  to = msgpack::put_uint(to, static_cast<std::uint64_t>(hello.lane));
  to = msgpack::put_uint(to, hello.shard);
  to = msgpack::put_uint(to, hello.shard_count);
  to = msgpack::put_uint(to, hello.features);
  to = msgpack::put_uint(to, static_cast<std::uint64_t>(hello.encryption));
  to = msgpack::put_uint(to, hello.payload_bytes_max);
  to = msgpack::put_uint(to, hello.message_bytes_max);
  to = msgpack::put_uint(to, hello.credit_bytes);
  to = msgpack::put_uint(to, hello.credit_messages);
  return msgpack::put_bin(to, ByteView(hello.random.data(), hello.random.size()));
}

}  // namespace grey::protocol
