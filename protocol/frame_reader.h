// Cuts a byte stream into frames. Whole frames inside the input are handed out in place; only a
// frame that spans two inputs is copied together, and its buffer grows with the bytes that arrive.
#pragma once
#include <cstddef>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "protocol/wire.h"

namespace grey::protocol {

class FrameReader {
 public:
  /// Takes the next frame from what was kept and from the front of `input`, which shrinks by what
  /// was used. Returns ok with a whole frame whose header and checksum are right in `frame` (valid
  /// until the next call), ok with an empty one if more bytes are needed (all of `input` is kept),
  /// or what is wrong. `rules` are those of this frame.
  ErrorCode next(ByteView& input, const FrameRules& rules, MonotonicTime now, ByteView& frame);

  /// True inside a frame.
  bool is_partial() const noexcept { return !kept_is_used_ && !kept_.empty(); }
  /// When the partial frame's first bytes arrived.
  MonotonicTime partial_since() const noexcept { return partial_since_; }

 private:
  void keep(ByteView bytes, MonotonicTime now);
  void drop_used();

  Bytes kept_;
  bool kept_is_used_ = false;  // kept_ was handed out as a frame
  MonotonicTime partial_since_{};
};

}  // namespace grey::protocol
