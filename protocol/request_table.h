// The requests that this side has sent (or queued) and that are not answered yet. A ring indexed by
// the low bits of the request id: ids are dense, finding one is one array access, and in the steady
// state nothing is allocated.
#pragma once
#include <bit>
#include <cstdint>
#include <vector>

#include "protocol/messages.h"

namespace grey::protocol {

struct OutstandingRequest {
  std::uint64_t id = 0;  // 0: the slot is free
  std::uint64_t context = 0;
  std::uint32_t reply_bytes_allowed = 0;
  bool sent = false;  // at least a part of it has been serialised
  bool cancelled = false;
};

/// A reply's envelope may always have limit::reply_bytes_min bytes, so that errors fit.
constexpr std::uint32_t reply_bytes_allowed(std::uint32_t reply_bytes_max) noexcept {
  return reply_bytes_max > limit::reply_bytes_min ? reply_bytes_max : limit::reply_bytes_min;
}

class RequestTable {
 public:
  explicit RequestTable(std::uint32_t size_max)
      : size_max_(size_max), slots_(std::bit_ceil(size_max < 64 ? 2u * size_max : 128u)) {}

  std::uint32_t size() const noexcept { return size_; }
  bool is_full() const noexcept { return size_ >= size_max_; }
  std::uint64_t reply_bytes_reserved() const noexcept { return reserved_; }

  /// A new request with a fresh id. The table must not be full.
  OutstandingRequest& insert(std::uint64_t context, std::uint32_t reply_bytes_max) {
    if (size_ * 2 >= slots_.size()) grow();
    do {
      ++last_id_;
    } while (slot(last_id_).id != 0);
    OutstandingRequest& request = slot(last_id_);
    request = {.id = last_id_,
               .context = context,
               .reply_bytes_allowed = reply_bytes_allowed(reply_bytes_max)};
    reserved_ += request.reply_bytes_allowed;
    ++size_;
    return request;
  }
  OutstandingRequest* find(std::uint64_t id) noexcept {
    OutstandingRequest& candidate = slot(id);
    return id != 0 && candidate.id == id ? &candidate : nullptr;
  }
  const OutstandingRequest* find(std::uint64_t id) const noexcept {
    const OutstandingRequest& candidate = slots_[id & (slots_.size() - 1)];
    return id != 0 && candidate.id == id ? &candidate : nullptr;
  }
  void erase(OutstandingRequest& request) noexcept {
    reserved_ -= request.reply_bytes_allowed;
    --size_;
    request.id = 0;
  }

 private:
  OutstandingRequest& slot(std::uint64_t id) noexcept { return slots_[id & (slots_.size() - 1)]; }
  void grow() {
    std::vector<OutstandingRequest> old(slots_.size() * 2);
    old.swap(slots_);
    for (const OutstandingRequest& request : old) {
      if (request.id != 0) slot(request.id) = request;
    }
  }

  std::uint32_t size_max_;
  std::uint32_t size_ = 0;
  std::uint64_t last_id_ = 0;
  std::uint64_t reserved_ = 0;
  std::vector<OutstandingRequest> slots_;  // a power of two, at most half full
};

}  // namespace grey::protocol
