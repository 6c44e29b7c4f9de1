// Bytes on their way out, gathered: small pieces are copied into one arena, large ones are shared
// and never copied. A session fills a batch, a stream writes it with one gathered send and hands
// the emptied batch back, so that the arena's memory is reused and the steady state allocates
// nothing. Not thread-safe.
#pragma once
#include <cstddef>
#include <cstring>
#include <vector>

#include "base/bytes.h"

namespace grey {

class SendBatch {
 public:
  /// A shared piece shorter than this is copied instead: an iovec costs more than the copy.
  static constexpr std::size_t share_threshold_bytes = 4096;

  /// Copies `bytes` to the end of the batch.
  void append(ByteView bytes) {
    if (!bytes.empty()) std::memcpy(extend(bytes.size()), bytes.data(), bytes.size());
  }

  /// Adds `size` bytes to the end for the caller to write, all of them and before the batch is
  /// changed again. `size` is not 0.
  char* extend(std::size_t size) {
    if (pieces_.empty() || pieces_.back().shared.owner()) {
      pieces_.push_back({arena_.size(), 0, {}});
    }
    const std::size_t at = arena_.size();
    pieces_.back().size += size;
    size_ += size;
    return resize_for_overwrite(arena_, at + size) + at;
  }

  /// Appends `bytes` without a copy (unless they are short); the batch keeps them alive.
  void append_shared(const SharedBytes& bytes) { append_shared(bytes, 0, bytes.size()); }

  /// The same with a part of `bytes`.
  void append_shared(const SharedBytes& bytes, std::size_t offset, std::size_t size) {
    if (size < share_threshold_bytes) return append(bytes.view().substr(offset, size));
    pieces_.push_back({offset, size, bytes});
    size_ += size;
  }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::size_t piece_count() const noexcept { return pieces_.size(); }
  /// The i-th piece in order; valid until the batch is changed, cleared or destroyed.
  ByteView piece(std::size_t i) const noexcept {
    const Piece& p = pieces_[i];
    return (p.shared.owner() ? p.shared.view() : ByteView(arena_)).substr(p.offset, p.size);
  }
  /// All pieces joined (for tests and slow paths).
  Bytes flatten() const {
    Bytes out;
    out.reserve(size_);
    for (std::size_t i = 0; i < pieces_.size(); ++i) out += piece(i);
    return out;
  }
  /// Empties the batch, keeping its memory unless it has grown beyond `keep_bytes_max`.
  void clear(std::size_t keep_bytes_max = 1 << 20) {
    pieces_.clear();
    arena_.clear();
    if (arena_.capacity() > keep_bytes_max) Bytes().swap(arena_);
    size_ = 0;
  }

 private:
  struct Piece {
    std::size_t offset;
    std::size_t size;
    SharedBytes shared;
  };
  std::vector<Piece> pieces_;
  Bytes arena_;
  std::size_t size_ = 0;
};

}  // namespace grey
