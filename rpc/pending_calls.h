// The calls of one connection that are not completed yet: a slab, so that a call costs no
// allocation in the steady state. An id holds the slot (low 24 bits) and a number that is never
// used twice, so that the id of a call that is over finds nothing.
#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "breaker/circuit_breaker.h"
#include "rpc/call.h"

namespace grey::rpc {

struct PendingCall {
  CallId id = 0;  // 0: the slot is free
  CallSink* sink = nullptr;
  std::uint64_t cookie = 0;
  breaker::Permit permit;
  std::uint64_t request_id = 0;  // of the session; 0: it has not been given to the session
  bool ended = false;            // its completion is on its way
  std::uint32_t next_free = 0;
};

class PendingCalls {
 public:
  static constexpr unsigned slot_bits = 24;
  static std::uint32_t slot_of(CallId id) noexcept {
    return static_cast<std::uint32_t>(id & ((1u << slot_bits) - 1));
  }

  explicit PendingCalls(std::uint64_t first_number) : next_number_(first_number) {}

  PendingCall& insert(CallSink& sink, std::uint64_t cookie, const breaker::Permit& permit) {
    std::uint32_t slot = first_free_;
    if (slot == none) {
      slot = static_cast<std::uint32_t>(slots_.size());
      GREY_CHECK(slot < (1u << slot_bits));
      slots_.emplace_back();
    } else {
      first_free_ = slots_[slot].next_free;
    }
    ++size_;
    slots_[slot] = {.id = next_number_++ << slot_bits | slot,
                    .sink = &sink,
                    .cookie = cookie,
                    .permit = permit};
    return slots_[slot];
  }
  /// Null if that call is over.
  PendingCall* find(CallId id) noexcept {
    const std::uint32_t slot = slot_of(id);
    return id != 0 && slot < slots_.size() && slots_[slot].id == id ? &slots_[slot] : nullptr;
  }
  PendingCall& at(std::uint32_t slot) noexcept { return slots_[slot]; }
  void erase(PendingCall& call) noexcept {
    const std::uint32_t slot = slot_of(call.id);
    call.id = 0;
    call.next_free = first_free_;
    first_free_ = slot;
    --size_;
  }
  /// The ids of all, in the order in which the calls were made.
  std::vector<CallId> ids() const {
    std::vector<CallId> all;
    all.reserve(size_);
    for (const PendingCall& call : slots_) {
      if (call.id != 0) all.push_back(call.id);
    }
    std::ranges::sort(all);
    return all;
  }
  std::size_t size() const noexcept { return size_; }
  std::uint64_t next_number() const noexcept { return next_number_; }

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  std::vector<PendingCall> slots_;
  std::uint32_t first_free_ = none;
  std::size_t size_ = 0;
  std::uint64_t next_number_;
};

}  // namespace grey::rpc
