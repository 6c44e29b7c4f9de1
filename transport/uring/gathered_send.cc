#include "transport/uring/gathered_send.h"

#include <utility>

#include "base/check.h"

namespace grey::transport::uring {

void GatheredSend::begin(SendBatch batch) {
  GREY_CHECK(!active_);
  batch_ = std::move(batch);
  active_ = true;
  sent_ = piece_ = piece_offset_ = 0;
}

const msghdr& GatheredSend::next_message() {
  const std::size_t count = std::min(batch_.piece_count() - piece_, pieces_max);
  vectors_.clear();
  for (std::size_t i = 0; i < count; ++i) {
    ByteView bytes = batch_.piece(piece_ + i);
    if (i == 0) bytes.remove_prefix(piece_offset_);
    vectors_.push_back({const_cast<char*>(bytes.data()), bytes.size()});
  }
  message_.msg_iov = vectors_.data();
  message_.msg_iovlen = count;
  return message_;
}

void GatheredSend::advance(std::size_t size) {
  sent_ += size;
  GREY_CHECK(sent_ <= batch_.size());
  piece_offset_ += size;
  while (piece_ < batch_.piece_count() && piece_offset_ >= batch_.piece(piece_).size()) {
    piece_offset_ -= batch_.piece(piece_).size();
    ++piece_;
  }
}

SendBatch GatheredSend::take() {
  active_ = false;
  batch_.clear();
  return std::move(batch_);
}

}  // namespace grey::transport::uring
