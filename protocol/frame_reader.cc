#include "protocol/frame_reader.h"

#include <algorithm>

namespace grey::protocol {
namespace {
// Between frames a reader keeps at most this much memory.
constexpr std::size_t idle_capacity_max = 64 << 10;

std::size_t whole_frame_bytes(const char* header) {
  return frame_overhead_bytes + decode_header(header).payload_bytes;
}

ErrorCode check_whole(ByteView candidate, ByteView& frame) {
  if (!crc_matches(candidate)) return ErrorCode::bad_crc;
  frame = candidate;
  return ErrorCode::ok;
}
}  // namespace

void FrameReader::drop_used() {
  if (!kept_is_used_) return;
  kept_is_used_ = false;
  kept_.clear();
  if (kept_.capacity() > idle_capacity_max) Bytes().swap(kept_);
}

void FrameReader::keep(ByteView bytes, MonotonicTime now) {
  if (kept_.empty()) partial_since_ = now;
  kept_.append(bytes);
}

ErrorCode FrameReader::next(ByteView& input, const FrameRules& rules, MonotonicTime now,
                            ByteView& frame) {
  frame = {};
  drop_used();
  // The header first: nothing else is looked at before it is whole and valid.
  if (!kept_.empty() && kept_.size() < header_bytes) {
    const std::size_t n = std::min(header_bytes - kept_.size(), input.size());
    keep(input.substr(0, n), now);
    input.remove_prefix(n);
  }
  const bool from_kept = !kept_.empty();
  const ByteView have = from_kept ? ByteView(kept_) : input;
  if (have.size() < header_bytes) {
    if (!magic_possible(have)) return ErrorCode::bad_magic;
    if (!from_kept) {
      keep(input, now);
      input = {};
    }
    return ErrorCode::ok;
  }
  if (const ErrorCode bad = validate_header(have.data(), rules); bad != ErrorCode::ok) return bad;
  const std::size_t whole = whole_frame_bytes(have.data());
  if (!from_kept && input.size() >= whole) {
    const ByteView candidate = input.substr(0, whole);
    input.remove_prefix(whole);
    return check_whole(candidate, frame);
  }
  const std::size_t n = std::min(whole - kept_.size(), input.size());
  keep(input.substr(0, n), now);
  input.remove_prefix(n);
  if (kept_.size() < whole) return ErrorCode::ok;
  kept_is_used_ = true;
  return check_whole(kept_, frame);
}

}  // namespace grey::protocol
