// Chunked messages that are arriving. Memory grows with the bytes that have come, up to the total
// that was declared and admitted at the start.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "protocol/messages.h"

namespace grey::protocol {

struct InStream {
  std::uint64_t stream_id = 0;
  Kind message_kind = Kind::request;
  std::uint64_t request_id = 0;
  std::uint64_t total_bytes = 0;
  std::uint64_t next_index = 0;
  MonotonicTime last_chunk_at{};
  Bytes data{};

  bool complete() const noexcept { return data.size() == total_bytes; }
  bool was_admitted() const noexcept { return message_kind != Kind::response; }

  /// Appends the next chunk. False if it does not continue the stream.
  [[nodiscard]] bool append(const ChunkView& chunk) {
    if (chunk.index != next_index || chunk.total_bytes != total_bytes ||
        chunk.message_kind != message_kind || chunk.request_id != request_id ||
        chunk.data.empty() || chunk.data.size() > total_bytes - data.size()) {
      return false;
    }
    const std::size_t size = data.size() + chunk.data.size();
    if (size > data.capacity()) data.reserve(std::min<std::size_t>(total_bytes, 2 * size));
    data.append(chunk.data);
    ++next_index;
    return true;
  }
};

class InStreams {
 public:
  std::size_t size() const noexcept { return streams_.size(); }
  InStream* find(std::uint64_t stream_id) noexcept {
    return find_if([&](const InStream& s) { return s.stream_id == stream_id; });
  }
  InStream* find(Kind kind, std::uint64_t request_id) noexcept {
    return find_if(
        [&](const InStream& s) { return s.message_kind == kind && s.request_id == request_id; });
  }
  InStream& begin(const ChunkView& first) {
    streams_.push_back({.stream_id = first.stream_id,
                        .message_kind = first.message_kind,
                        .request_id = first.request_id,
                        .total_bytes = first.total_bytes});
    return streams_.back();
  }
  /// Takes a stream out; what it held comes back.
  InStream take(InStream& stream) {
    const auto place = streams_.begin() + (&stream - streams_.data());
    InStream taken = std::move(stream);
    streams_.erase(place);
    return taken;
  }
  /// When the stream that has waited longest for a chunk got its last; `never` if there is none.
  MonotonicTime oldest_chunk_at() const noexcept {
    MonotonicTime oldest = never;
    for (const InStream& stream : streams_) oldest = std::min(oldest, stream.last_chunk_at);
    return oldest;
  }
  std::vector<InStream> take_all() noexcept { return std::move(streams_); }

 private:
  template <typename Predicate>
  InStream* find_if(Predicate predicate) noexcept {
    const auto found = std::ranges::find_if(streams_, predicate);
    return found == streams_.end() ? nullptr : &*found;
  }
  std::vector<InStream> streams_;
};

}  // namespace grey::protocol
