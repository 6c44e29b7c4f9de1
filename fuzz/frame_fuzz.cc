// The frame decoder, fed in pieces of the fuzzer's choice. What comes out (frames, error) must be
// the same as when everything comes at once, and every frame that comes out must be right. Half of
// the inputs are raw bytes; in the other half the target builds frames with correct checksums
// around the fuzzer's payloads, so that what lies behind the checksum is reached, and flips one
// bit.
#include <vector>

#include "base/check.h"
#include "base/endian.h"
#include "base/hash.h"
#include "fuzz/byte_source.h"
#include "protocol/frame_reader.h"
#include "protocol/payload_opener.h"

namespace {

using namespace grey;
using namespace grey::protocol;

constexpr std::uint32_t payload_cap = 2048;

struct Outcome {
  std::vector<Bytes> envelopes;
  std::vector<ErrorCode> open_errors;
  ErrorCode error = ErrorCode::ok;
  bool partial = false;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Bytes build_stream(fuzz::ByteSource& in) {
  if (in.flag()) return Bytes(in.rest());
  Bytes stream;
  const std::uint32_t flip_at = in.below(4096);
  const bool flip = in.flag();
  for (std::uint64_t id = 1; id <= 8 && !in.empty(); ++id) {
    const std::uint16_t flags = in.byte() & flag::all;
    const ByteView payload = in.take(in.below(300));
    char header[header_bytes];
    encode_header({.flags = flags,
                   .message_id = id,
                   .timestamp_ns = id,
                   .payload_bytes = static_cast<std::uint32_t>(payload.size())},
                  header);
    Bytes frame = Bytes(header, header_bytes) + Bytes(payload);
    append_be(frame, crc32(0, frame));
    stream += frame;
  }
  if (flip && flip_at / 8 < stream.size()) {
    stream[flip_at / 8] = static_cast<char>(stream[flip_at / 8] ^ (1 << (flip_at % 8)));
  }
  return stream;
}

template <typename NextPiece>
Outcome decode(ByteView stream, NextPiece next_piece) {
  FrameReader reader;
  PayloadOpener opener;
  opener.set_keys({});
  FrameRules rules{.flags_allowed = flag::all, .payload_bytes_max = payload_cap};
  Outcome out;
  while (!stream.empty() && out.error == ErrorCode::ok) {
    ByteView piece = stream.substr(0, next_piece());
    stream.remove_prefix(piece.size());
    for (;;) {
      ByteView frame;
      out.error = reader.next(piece, rules, MonotonicTime(), frame);
      if (out.error != ErrorCode::ok || frame.empty()) break;
      GREY_CHECK(frame.size() <= payload_cap + frame_overhead_bytes);
      GREY_CHECK(crc_matches(frame) && validate_header(frame.data(), rules) == ErrorCode::ok);
      ByteView envelope;
      const ErrorCode opened = opener.open(frame, payload_cap, envelope);
      GREY_CHECK(opened != ErrorCode::ok || envelope.size() <= payload_cap);
      out.open_errors.push_back(opened);
      if (opened == ErrorCode::ok) out.envelopes.emplace_back(envelope);
      ++rules.message_id;
    }
    GREY_CHECK(out.error != ErrorCode::ok || piece.empty());
  }
  out.partial = out.error == ErrorCode::ok && reader.is_partial();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::ByteSource in(data, size);
  const Bytes cuts(in.take(8));
  const Bytes stream = build_stream(in);
  const Outcome whole = decode(stream, [&] { return stream.size(); });
  std::size_t turn = 0;
  const Outcome pieces = decode(stream, [&] {
    const auto cut = cuts.empty() ? 1u : static_cast<unsigned char>(cuts[turn++ % cuts.size()]);
    return static_cast<std::size_t>(cut % 64 + 1);
  });
  GREY_CHECK(whole == pieces);
  return 0;
}
