// The peer's requests that are not answered yet: a slab, so that a request costs no allocation in
// the steady state. A Responder names its entry by slot and generation.
#pragma once
#include <cstdint>
#include <vector>

#include "flowcontrol/memory_budget.h"
#include "protocol/session.h"

namespace grey::rpc {

struct PeerRequest {
  std::uint32_t generation = 0;
  bool is_used = false;
  bool is_cancelled = false;
  bool notify_cancel = false;
  std::uint64_t cancel_cookie = 0;
  protocol::ReplyTo reply_to;
  protocol::CreditToken token;
  flowcontrol::Reservation answer_room;
};

class PeerRequests {
 public:
  std::uint32_t insert(protocol::ReplyTo reply_to, protocol::CreditToken token,
                       flowcontrol::Reservation answer_room) {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.emplace_back();
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    PeerRequest& request = slots_[slot];
    request.is_used = true;
    request.is_cancelled = false;
    request.notify_cancel = false;
    request.reply_to = reply_to;
    request.token = token;
    request.answer_room = std::move(answer_room);
    return slot;
  }
  PeerRequest& at(std::uint32_t slot) noexcept { return slots_[slot]; }
  /// Null if that request has been answered.
  PeerRequest* find(std::uint32_t slot, std::uint32_t generation) noexcept {
    PeerRequest& request = slots_[slot];
    return request.is_used && request.generation == generation ? &request : nullptr;
  }
  /// Linear: cancellations are few, and the session limits them.
  PeerRequest* find_request(std::uint64_t request_id) noexcept {
    for (PeerRequest& request : slots_) {
      if (request.is_used && request.reply_to.request_id == request_id) return &request;
    }
    return nullptr;
  }
  void erase(std::uint32_t slot) {
    PeerRequest& request = slots_[slot];
    request.is_used = false;
    ++request.generation;
    request.answer_room.release();
    free_.push_back(slot);
  }
  std::size_t slot_count() const noexcept { return slots_.size(); }
  std::size_t size() const noexcept { return slots_.size() - free_.size(); }

 private:
  std::vector<PeerRequest> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace grey::rpc
