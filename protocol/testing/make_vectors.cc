// Writes the golden vectors to standard output. Run by hand when the protocol gains something
// (never to make a failing vectors_test pass: what is frozen stays). Every case names the error
// that it must get, or none, and the program fails if this implementation disagrees.
#include <cstdio>

#include "base/check.h"
#include "base/endian.h"
#include "base/hash.h"
#include "protocol/frame_writer.h"
#include "protocol/handshake.h"
#include "protocol/msgpack_writer.h"
#include "protocol/testing/vectors.h"

using std::string_literals::operator""s;

namespace grey::protocol::testing {
namespace {

Bytes between(const char* begin, const char* end) {
  return Bytes(begin, static_cast<std::size_t>(end - begin));
}

template <typename Encode>
Bytes envelope(Encode encode_into) {
  char buffer[limit::envelope_head_bytes];
  return between(buffer, encode_into(buffer));
}

Bytes body() {
  Bytes bytes;
  msgpack::Writer(bytes).array(2).str("key").bin("value");
  return bytes;
}

Bytes request_envelope(RequestView request) {
  return envelope([&](char* to) { return encode_head(request, to); }) + body();
}

Bytes chunk_envelope(ChunkView chunk) {
  return envelope([&](char* to) { return encode_head(chunk, chunk.data.size(), to); }) +
         Bytes(chunk.data);
}

// Plain frames with right checksums from message id 1 on.
class Peer {
 public:
  Bytes frame(ByteView payload, std::uint16_t flags = 0) {
    FrameHeader header{.flags = flags,
                       .message_id = ++last_id_,
                       .timestamp_ns = static_cast<std::uint64_t>(vector_unix_ns),
                       .payload_bytes = static_cast<std::uint32_t>(payload.size())};
    return sealed(header, payload);
  }
  static Bytes sealed(const FrameHeader& header, ByteView payload) {
    char raw[header_bytes];
    encode_header(header, raw);
    Bytes bytes = Bytes(raw, header_bytes) + Bytes(payload);
    append_be(bytes, crc32(0, bytes));
    return bytes;
  }
  static Hello hello_of(const SessionConfig& config, NodeId target) {
    return make_hello(config, Lane::data, 0, target);
  }
  Bytes hello(const Hello& hello, Kind kind = Kind::hello) {
    return frame(envelope([&](char* to) { return encode_hello(hello, kind, to); }));
  }

 private:
  std::uint64_t last_id_ = 0;
};

Hello valid_hello() { return Peer::hello_of(example_config(SessionRole::initiator), 2); }

class Vectors {
 public:
  /// Adds a case; `more` holds what differs from the usual (receiver, end_of_stream, wait_ms).
  void add(std::string_view name, std::string_view error, const std::vector<Bytes>& preceding,
           const Bytes& input, const json& more = json::object()) {
    json receiver = default_receiver();
    if (more.contains("receiver")) receiver.update(more.at("receiver"));
    json one = {{"name", name}, {"preceding", json::array()}, {"input", to_hex(input)}};
    for (const Bytes& bytes : preceding) one["preceding"].push_back(to_hex(bytes));
    one.update(more);
    const VectorOutcome outcome = run_vector(receiver, one);
    if (outcome.error != error) {
      std::fprintf(stderr, "%s: got %s\n", Bytes(name).c_str(), outcome.error.c_str());
      failed_ = true;
    }
    one["receiver_sends"] = json::array();
    for (const Bytes& bytes : outcome.sent) one["receiver_sends"].push_back(to_hex(bytes));
    one["events"] = outcome.events;
    one["error"] = error.empty() ? json(nullptr) : json(error);
    cases_.push_back(one);
  }
  /// The keys of a connection whose handshake frames are these.
  void add_keys(ByteView secret, ByteView hello_frame, ByteView hello_ack_frame) {
    keys_ = keys_json(secret, hello_frame, hello_ack_frame);
  }
  int print() const {
    const json file = {{"about",
                        "Golden vectors of Grey Protocol v2; docs/protocol.md, section 'Test "
                        "vectors', explains them"},
                       {"version", 1},
                       {"defaults", default_receiver()},
                       {"key_derivation", keys_},
                       {"cases", cases_}};
    std::printf("%s\n", file.dump(1).c_str());
    return failed_ ? 1 : 0;
  }

 private:
  json cases_ = json::array();
  json keys_;
  bool failed_ = false;
};

// One frame after a plain handshake.
void after_hello(Vectors& out, std::string_view name, std::string_view error, ByteView payload,
                 std::uint16_t flags = 0, const json& more = json::object()) {
  Peer peer;
  const Bytes hello = peer.hello(valid_hello());
  out.add(name, error, {hello}, peer.frame(payload, flags), more);
}

void add_valid(Vectors& out) {
  out.add("HELLO", "", {}, Peer().hello(valid_hello()));
  Hello client = valid_hello();
  client.role = PeerRole::client;
  client.node_id = 0;
  client.client_id = {0x0102030405060708, 0x090a0b0c0d0e0f10};
  client.topology_hash = 0;
  out.add("HELLO of a client that does not know the topology", "", {}, Peer().hello(client));
  const json initiator = {{"receiver", {{"role", "initiator"}, {"node_id", 1}}}};
  const Hello ack = Peer::hello_of(example_config(SessionRole::acceptor), 1);
  out.add("HELLO_ACK", "", {}, Peer().hello(ack, Kind::hello_ack), initiator);

  after_hello(out, "REQUEST", "",
              request_envelope({.request_id = 1,
                                .method = 17,
                                .deadline_ms = 1500,
                                .reply_bytes_max = 4096,
                                .tenant = "acme"}));
  Bytes baggage;
  msgpack::Writer(baggage).map(1).str("user").str("ada");
  const TraceContext trace{1, 2, 3, 4, baggage};
  after_hello(out, "REQUEST, idempotent, traced, with priority", "",
              request_envelope({.request_id = 300,
                                .method = 17,
                                .deadline_ms = UINT32_MAX,
                                .reply_bytes_max = 4096,
                                .tenant = "acme",
                                .trace = trace,
                                .idempotency = {{5, 6}, 7}}),
              flag::idempotent | flag::priority);
  Bytes longer = request_envelope({.request_id = 1, .method = 17, .tenant = "acme"});
  longer[0] = static_cast<char>(0x9a);
  longer += "\xa5later";
  after_hello(out, "REQUEST with an element of a later version", "", longer);
  after_hello(out, "RESPONSE", "", envelope([](char* to) {
                                     return encode_head(ResponseView{.request_id = 1,
                                                                     .code = ErrorCode::overloaded,
                                                                     .detail = "busy",
                                                                     .retry_after_ms = 100},
                                                        to);
                                   }) + "\xc0",
              0, {{"receiver", {{"requests_sent", 1}}}});
  const Bytes oneway = envelope([](char* to) {
                         return encode_head(OnewayView{.method = 5, .tenant = "acme"}, to);
                       }) +
                       body();
  after_hello(out, "ONEWAY", "", oneway);
  after_hello(out, "PING", "", "\x92\x03\x4d");
  after_hello(out, "CANCEL", "", "\x94\x06\x00\x05\x07"s);
  after_hello(out, "GOAWAY", "", "\x93\x07\x10\xa7restart");
  after_hello(out, "CREDIT that repeats the initial grant", "",
              envelope([](char* to) { return encode(Credit{1u << 20, 1024}, to); }));

  Peer peer;
  const Bytes hello = peer.hello(valid_hello());
  const ChunkView first{.stream_id = 1,
                        .index = 0,
                        .total_bytes = oneway.size(),
                        .message_kind = Kind::oneway,
                        .data = ByteView(oneway).substr(0, 10)};
  ChunkView second = first;
  second.index = 1;
  second.data = ByteView(oneway).substr(10);
  const Bytes chunk = peer.frame(chunk_envelope(first));
  out.add("ONEWAY in two CHUNKs", "", {hello, chunk}, peer.frame(chunk_envelope(second)));
}

Bytes first_frame(const Bytes& bytes) {
  return bytes.substr(0, frame_overhead_bytes + decode_header(bytes.data()).payload_bytes);
}

// A real peer, for frames that are compressed or encrypted.
void add_transformed(Vectors& out) {
  for (const int encryption : {0, 2}) {
    for (const std::uint32_t threshold : {0u, 32u}) {
      if (encryption == 0 && threshold == 0) continue;
      json receiver = default_receiver();
      receiver["encryption"] = encryption;
      auto config = example_config(SessionRole::initiator);
      config.encryption = static_cast<EncryptionMode>(encryption);
      config.compress_threshold_bytes = threshold;
      SessionPair pair(config, receiver_config(receiver));
      pair.at.unix_ns = vector_unix_ns;
      pair.initiator.session.start(pair.at);
      pair.acceptor.session.start(pair.at);
      std::vector<Bytes> preceding;
      for (int i = 0; i < 2; ++i) {
        preceding.push_back(take_all(pair.initiator.session, pair.at));
        pair.acceptor.session.receive(preceding.back(), pair.at);
        const Bytes answer = take_all(pair.acceptor.session, pair.at);
        if (i == 0) out.add_keys(config.node_secret, preceding[0], first_frame(answer));
        pair.initiator.session.receive(answer, pair.at);
      }
      if (preceding.back().empty()) preceding.pop_back();
      Bytes repetitive;
      msgpack::Writer(repetitive).bin(Bytes(200, 'r'));
      GREY_CHECK(pair.initiator.session
                     .send_request({.method = 17, .reply_bytes_max = 4096, .tenant = "acme"},
                                   {.head = repetitive}, pair.at)
                     .has_value());
      const Bytes frame = take_all(pair.initiator.session, pair.at);
      const std::string what = std::string(threshold != 0 ? "compressed" : "") +
                               (threshold != 0 && encryption != 0 ? " and " : "") +
                               (encryption != 0 ? "encrypted" : "");
      const json more = {{"receiver", {{"encryption", encryption}}}};
      out.add("REQUEST, " + what, "", preceding, frame, more);
      Bytes corrupt = frame;
      corrupt[40] = static_cast<char>(corrupt[40] ^ 1);
      out.add("REQUEST, " + what + ", one bit flipped", "bad_crc", preceding, corrupt, more);
      if (encryption == 0) continue;
      const std::size_t covered = corrupt.size() - crc_bytes;
      store_be(corrupt.data() + covered, crc32(0, ByteView(corrupt).substr(0, covered)));
      out.add("REQUEST, " + what + ", one bit flipped and the checksum corrected",
              "decryption_failed", preceding, corrupt, more);
    }
  }
}

void add_bad_frames(Vectors& out) {
  const auto with_header = [&](std::string_view name, std::string_view error, auto change) {
    Peer peer;
    const Bytes hello = peer.hello(valid_hello());
    FrameHeader header{.message_id = 2, .timestamp_ns = 0, .payload_bytes = 3};
    change(header);
    out.add(name, error, {hello}, Peer::sealed(header, "\x92\x03\x01"));
  };
  using H = FrameHeader&;
  with_header("the frame that the following cases change", "", [](H) {});
  with_header("version 3", "unsupported_version", [](H h) { h.version = 3; });
  with_header("a reserved flag", "unknown_flags", [](H h) { h.flags = 16; });
  with_header("Encrypted though it was not agreed", "unknown_flags", [](H h) { h.flags = 2; });
  with_header("Idempotent on a PING", "unknown_flags", [](H h) { h.flags = 8; });
  with_header("message id repeated", "bad_message_id", [](H h) { h.message_id = 1; });
  with_header("message id skipped", "bad_message_id", [](H h) { h.message_id = 3; });
  with_header("length beyond the lane's cap", "frame_too_large",
              [](H h) { h.payload_bytes = 65537; });
  with_header("version and flags and id wrong: version is named", "unsupported_version",
              [](H h) { h.version = 1, h.flags = 0xff, h.message_id = 9; });
  with_header("Compressed but no LZ4 block", "decompression_failed", [](H h) { h.flags = 1; });

  Peer peer;
  const Bytes hello = peer.hello(valid_hello());
  const Bytes ping = peer.frame("\x92\x03\x01");
  const auto add = [&](std::string_view name, std::string_view error, const Bytes& input,
                       const json& more = json::object()) {
    out.add(name, error, {hello}, input, more);
  };
  add("not the magic", "bad_magic", "GET / HTTP/1.1\r\n");
  add("the first wrong byte of the magic is enough", "bad_magic", "GREX");
  Bytes flipped = ping;
  flipped[header_bytes + 2] ^= 1;
  add("payload bit flipped", "bad_crc", flipped);
  flipped = ping;
  flipped.back() ^= 1;
  add("checksum bit flipped", "bad_crc", flipped);
  flipped = ping;
  flipped[20] ^= 1;
  add("timestamp bit flipped", "bad_crc", flipped);
  flipped = ping;
  flipped[27] = 2;
  add("length shortened", "bad_crc", flipped);
  flipped[27] = 4;
  add("length lengthened, nothing follows", "frame_timeout", flipped, {{"wait_ms", 10000}});
  add("length lengthened, more follows", "bad_crc", flipped + peer.frame("\x92\x03\x01"));
  add("cut in the header, then the end", "truncated_frame", ping.substr(0, 20),
      {{"end_of_stream", true}});
  add("cut before the last byte, then the end", "truncated_frame", ping.substr(0, ping.size() - 1),
      {{"end_of_stream", true}});
  add("cut, then silence", "frame_timeout", ping.substr(0, 5), {{"wait_ms", 10000}});
  add("the end between frames", "peer_closed", "", {{"end_of_stream", true}});
  Bytes bomb = "\xff\xff\xff\xff" + Bytes(64, '\xff');
  after_hello(out, "decompression bomb", "decompressed_too_large", bomb, flag::compressed);
}

void add_bad_envelopes(Vectors& out) {
  after_hello(out, "empty payload", "bad_envelope", "");
  after_hello(out, "not an array", "bad_envelope", "\x05");
  after_hello(out, "array cut short", "bad_envelope", "\x92\x03");
  after_hello(out, "bytes after the envelope", "bad_envelope", "\x92\x03\x01\x00"s);
  after_hello(out, "kind that is not in the table", "unexpected_message", "\x92\x09\x01");
  after_hello(out, "array that claims 2^32 - 1 elements", "bad_envelope", "\xdd\xff\xff\xff\xff");
  after_hello(out, "extension type", "bad_envelope", "\x92\x03\xd4\x01\x01");
  Bytes deep = request_envelope({.request_id = 1});
  deep.resize(deep.size() - body().size());
  after_hello(out, "body nested 17 deep", "envelope_too_deep", deep + Bytes(17, '\x91') + '\1');
  after_hello(out, "body nested 16 deep", "", deep + Bytes(16, '\x91') + '\1');
  Bytes tenant;
  msgpack::Writer(tenant).array(9).uint(16).uint(1).uint(1).uint(0).uint(0).str(Bytes(65, 't'));
  after_hello(out, "tenant of 65 bytes", "envelope_value_too_large", tenant.append("\xc0\xc0\xc0"));
  after_hello(out, "request id 0", "bad_envelope", request_envelope({.request_id = 0}));
  after_hello(out, "idempotent request without the flag", "unknown_flags",
              request_envelope({.request_id = 1, .idempotency = {{1, 1}, 1}}));
  after_hello(out, "Idempotent flag without the id", "unknown_flags",
              request_envelope({.request_id = 1}), flag::idempotent);
}

void add_bad_states(Vectors& out) {
  after_hello(out, "a second HELLO", "unexpected_message",
              envelope([](char* to) { return encode_hello(valid_hello(), Kind::hello, to); }));
  after_hello(
      out, "RESPONSE that nobody asked for", "unexpected_message",
      envelope([](char* to) { return encode_head(ResponseView{.request_id = 1}, to); }) + "\xc0");
  after_hello(out, "RESPONSE larger than allowed", "credit_violation",
              envelope([](char* to) { return encode_head(ResponseView{.request_id = 1}, to); }) +
                  "\xc5\x04\x00"s + Bytes(1024, 'x'),
              0, {{"receiver", {{"requests_sent", 1}}}});
  after_hello(out, "PONG without its PING", "unexpected_message", "\x92\x04\x01");
  after_hello(out, "ERROR from the peer is taken over", "wrong_topology", "\x93\x08\x74\xa3why");
  after_hello(out, "CREDIT that goes back", "bad_credit", "\x93\x05\x01\x01");
  after_hello(out, "CREDIT beyond the window", "bad_credit",
              envelope([](char* to) { return encode(Credit{(1u << 20) + 1, 1024}, to); }));
  const auto chunk = [&](std::string_view name, std::string_view error, ChunkView view) {
    after_hello(out, name, error, chunk_envelope(view));
  };
  const ChunkView valid{.stream_id = 1,
                        .index = 0,
                        .total_bytes = 100,
                        .message_kind = Kind::request,
                        .request_id = 1,
                        .data = "12345"};
  chunk("CHUNK that begins a stream", "", valid);
  ChunkView bad = valid;
  bad.index = 1;
  chunk("CHUNK that begins in the middle", "bad_chunk", bad);
  bad = valid;
  bad.stream_id = 2;
  chunk("CHUNK of a stream that is not the next", "bad_chunk", bad);
  bad = valid;
  bad.total_bytes = 4;
  chunk("CHUNK beyond its total", "bad_chunk", bad);
  bad = valid;
  bad.data = {};
  chunk("CHUNK without data", "bad_chunk", bad);
  bad = valid;
  bad.total_bytes = (1u << 20) + 1;
  chunk("CHUNK with a total beyond the limit", "bad_chunk", bad);

  Peer peer;
  std::vector<Bytes> preceding{peer.hello(valid_hello())};
  for (std::uint64_t id = 1; id <= 4; ++id) {
    preceding.push_back(peer.frame(request_envelope({.request_id = id})));
  }
  out.add("a fifth message with credit for four", "credit_violation", preceding,
          peer.frame(request_envelope({.request_id = 5})));
}

void add_bad_handshakes(Vectors& out) {
  const auto refused = [&](std::string_view name, std::string_view error, auto change,
                           const json& more = json::object()) {
    Hello hello = valid_hello();
    change(hello);
    out.add(name, error, {}, Peer().hello(hello), more);
  };
  using H = Hello&;
  refused("HELLO of versions 3 to 4", "unsupported_version",
          [](H h) { h.version_min = 3, h.version_max = 4; });
  refused("HELLO of another cluster", "wrong_cluster", [](H h) { h.cluster_id = "other"; });
  refused("HELLO with another topology", "wrong_topology", [](H h) { h.topology_hash = 5; });
  refused("HELLO for another node", "wrong_identity", [](H h) { h.target = 3; });
  refused("HELLO of a nameless node", "wrong_identity", [](H h) { h.node_id = 0; });
  refused("HELLO with a shard out of range", "bad_handshake", [](H h) { h.shard = 1; });
  refused("HELLO with too small a window", "bad_handshake", [](H h) { h.credit_bytes = 4095; });
  refused("HELLO without encryption where it is required", "encryption_required", [](H) {},
          {{"receiver", {{"encryption", 2}}}});
  refused("HELLO that requires encryption where it is off", "encryption_required",
          [](H h) { h.encryption = EncryptionMode::required; });
  const Bytes hello =
      envelope([](char* to) { return encode_hello(valid_hello(), Kind::hello, to); });
  out.add("HELLO cut short", "bad_handshake", {},
          Peer().frame(ByteView(hello).substr(0, hello.size() - 1)));
  out.add("HELLO with a flag", "unknown_flags", {}, Peer().frame(hello, flag::priority));
  out.add("first frame longer than 4 KiB", "frame_too_large", {},
          Peer::sealed({.message_id = 1, .payload_bytes = 4097}, ""));
  out.add("REQUEST before HELLO", "unexpected_message", {},
          Peer().frame(request_envelope({.request_id = 1})));
  out.add("nothing at all", "handshake_timeout", {}, "", {{"wait_ms", 5000}});
}

int make() {
  Vectors out;
  add_valid(out);
  add_transformed(out);
  add_bad_frames(out);
  add_bad_envelopes(out);
  add_bad_states(out);
  add_bad_handshakes(out);
  return out.print();
}

}  // namespace
}  // namespace grey::protocol::testing

int main() { return grey::protocol::testing::make(); }
