#include "protocol/outgoing.h"

#include <algorithm>

#include "base/endian.h"

namespace grey::protocol {

std::uint32_t remaining_ms(MonotonicTime deadline, MonotonicTime now) noexcept {
  constexpr std::uint32_t unlimited = UINT32_MAX;
  if (deadline == never) return unlimited;
  if (deadline <= now) return 0;
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count();
  return ms >= unlimited ? unlimited - 1 : static_cast<std::uint32_t>(ms);
}

void StoredMessage::update_deadline(MonotonicTime now) noexcept {
  if (kind == Kind::request) store_be(head.data() + deadline_offset, remaining_ms(deadline, now));
}

void SendQueue::push(const Outgoing& message) {
  (message.is_priority() ? urgent_ : normal_).emplace_back(message);
  bytes_ += message.pieces.size();
}

void SendQueue::pop() noexcept {
  bytes_ -= front().size();
  (urgent_.empty() ? normal_ : urgent_).pop_front();
}

bool SendQueue::remove_request(std::uint64_t request_id) {
  for (std::deque<StoredMessage>* queue : {&urgent_, &normal_}) {
    const auto found = std::ranges::find_if(*queue, [&](const StoredMessage& message) {
      return message.kind == Kind::request && message.request_id == request_id;
    });
    if (found == queue->end()) continue;
    bytes_ -= found->size();
    queue->erase(found);
    return true;
  }
  return false;
}

void SendQueue::clear() noexcept {
  urgent_.clear();
  normal_.clear();
  bytes_ = 0;
}

EnvelopePieces OutStream::slice(std::size_t size) const noexcept {
  EnvelopePieces pieces;
  const std::size_t head_bytes = message.head.size();
  std::size_t from_head = 0;
  if (sent_bytes < head_bytes) {
    from_head = std::min(size, head_bytes - sent_bytes);
    pieces.body = ByteView(message.head).substr(sent_bytes, from_head);
  }
  if (from_head < size) {
    pieces.value = &message.value;
    pieces.value_offset = sent_bytes + from_head - head_bytes;
    pieces.value_bytes = size - from_head;
  }
  return pieces;
}

void OutStreams::push(const Outgoing& message) {
  // Behind everyone else: just before the one whose turn it is.
  streams_.insert(streams_.begin() + static_cast<std::ptrdiff_t>(next_),
                  OutStream{.message = StoredMessage(message)});
  next_ = (next_ + 1) % streams_.size();
  if (message.needs_credit()) {
    ++credited_;
  } else {
    answer_bytes_ += message.pieces.size();
  }
  bytes_ += message.pieces.size();
}

void OutStreams::served(std::size_t i) {
  OutStream& stream = at(i);
  const std::size_t position = static_cast<std::size_t>(&stream - streams_.data());
  next_ = (position + 1) % streams_.size();
  if (stream.left_bytes() == 0) remove(stream);
}

OutStream* OutStreams::find(Kind kind, std::uint64_t request_id) noexcept {
  const auto found = std::ranges::find_if(streams_, [&](const OutStream& stream) {
    return stream.message.kind == kind && stream.message.request_id == request_id;
  });
  return found == streams_.end() ? nullptr : &*found;
}

OutStream* OutStreams::find_stream(std::uint64_t stream_id) noexcept {
  const auto found = std::ranges::find_if(
      streams_, [&](const OutStream& stream) { return stream.stream_id == stream_id; });
  return found == streams_.end() ? nullptr : &*found;
}

void OutStreams::remove(OutStream& stream) {
  const std::size_t position = static_cast<std::size_t>(&stream - streams_.data());
  bytes_ -= stream.message.size();
  if (stream.message.needs_credit()) {
    --credited_;
  } else {
    answer_bytes_ -= stream.message.size();
  }
  streams_.erase(streams_.begin() + static_cast<std::ptrdiff_t>(position));
  if (next_ > position) --next_;
  if (next_ >= streams_.size()) next_ = 0;
}

void OutStreams::clear() noexcept {
  streams_.clear();
  next_ = 0;
  credited_ = 0;
  bytes_ = 0;
  answer_bytes_ = 0;
}

}  // namespace grey::protocol
