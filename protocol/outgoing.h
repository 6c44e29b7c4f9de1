// Messages of this side that are not serialised yet: those that wait for credit, and large ones
// that leave as chunks. Once a message is here it may be passed by one with the Priority flag.
#pragma once
#include <cstdint>
#include <deque>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "protocol/frame_writer.h"
#include "protocol/messages.h"

namespace grey::protocol {

/// A message whose envelope is encoded. While it is being sent `pieces` are views of the caller's
/// bytes; a StoredMessage owns them.
struct Outgoing {
  Kind kind = Kind::request;
  std::uint64_t request_id = 0;  // 0 for ONEWAY
  std::uint16_t flags = 0;
  MonotonicTime deadline = never;
  std::size_t deadline_offset = 0;  // of a REQUEST's deadline_ms in the envelope
  EnvelopePieces pieces{};

  bool is_priority() const noexcept { return (flags & flag::priority) != 0; }
  /// Replies use what their request reserved.
  bool needs_credit() const noexcept { return kind != Kind::response; }
};

struct StoredMessage {
  explicit StoredMessage(const Outgoing& from)
      : kind(from.kind),
        request_id(from.request_id),
        flags(from.flags),
        deadline(from.deadline),
        deadline_offset(from.deadline_offset),
        value(from.pieces.value == nullptr ? SharedBytes() : *from.pieces.value) {
    head.reserve(from.pieces.head.size() + from.pieces.body.size());
    head.append(from.pieces.head).append(from.pieces.body);
  }
  std::size_t size() const noexcept { return head.size() + value.size(); }
  bool needs_credit() const noexcept { return kind != Kind::response; }
  /// Writes the milliseconds that remain into a REQUEST.
  void update_deadline(MonotonicTime now) noexcept;

  Kind kind;
  std::uint64_t request_id;
  std::uint16_t flags;
  MonotonicTime deadline;
  std::size_t deadline_offset;
  Bytes head{};  // the envelope, but for the value at its end
  SharedBytes value{};
};

/// The milliseconds from `now` to `deadline`, rounded up; 0 if it has passed, the largest number if
/// there is none.
std::uint32_t remaining_ms(MonotonicTime deadline, MonotonicTime now) noexcept;

/// What waits for credit: first come, first served, with the Priority flag before without.
class SendQueue {
 public:
  bool empty() const noexcept { return urgent_.empty() && normal_.empty(); }
  /// True if a message of this urgency would not be the next to leave.
  bool is_behind(bool priority) const noexcept {
    return !urgent_.empty() || (!priority && !normal_.empty());
  }
  std::size_t messages() const noexcept { return urgent_.size() + normal_.size(); }
  std::uint64_t bytes() const noexcept { return bytes_; }
  void push(const Outgoing& message);
  StoredMessage& front() noexcept { return urgent_.empty() ? normal_.front() : urgent_.front(); }
  const StoredMessage& front() const noexcept {
    return urgent_.empty() ? normal_.front() : urgent_.front();
  }
  void pop() noexcept;
  bool remove_request(std::uint64_t request_id);
  void clear() noexcept;

 private:
  std::deque<StoredMessage> urgent_;
  std::deque<StoredMessage> normal_;
  std::uint64_t bytes_ = 0;
};

/// A message that leaves as chunks.
struct OutStream {
  StoredMessage message;
  std::uint64_t stream_id = 0;  // given with the first chunk
  std::uint64_t index = 0;      // of the next chunk
  std::size_t sent_bytes = 0;

  bool begun() const noexcept { return index > 0; }
  std::size_t left_bytes() const noexcept { return message.size() - sent_bytes; }
  /// The next `size` bytes, as pieces without a head.
  EnvelopePieces slice(std::size_t size) const noexcept;
};

/// Streams under way, served round-robin.
class OutStreams {
 public:
  bool empty() const noexcept { return streams_.empty(); }
  std::size_t size() const noexcept { return streams_.size(); }
  std::uint64_t bytes() const noexcept { return bytes_; }
  /// Sizes of the responses among them.
  std::uint64_t answer_bytes() const noexcept { return answer_bytes_; }
  /// Streams that are no responses: the ones the configuration limits.
  std::size_t credited() const noexcept { return credited_; }
  void push(const Outgoing& message);
  /// The i-th in order of service.
  OutStream& at(std::size_t i) noexcept { return streams_[(next_ + i) % streams_.size()]; }
  const OutStream& at(std::size_t i) const noexcept {
    return streams_[(next_ + i) % streams_.size()];
  }
  /// The i-th in order of service has had its turn, and is removed if it is complete.
  void served(std::size_t i);
  OutStream* find(Kind kind, std::uint64_t request_id) noexcept;
  OutStream* find_stream(std::uint64_t stream_id) noexcept;
  void remove(OutStream& stream);
  void clear() noexcept;

 private:
  std::vector<OutStream> streams_;
  std::size_t next_ = 0;
  std::size_t credited_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t answer_bytes_ = 0;
};

}  // namespace grey::protocol
