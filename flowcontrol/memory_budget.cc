#include "flowcontrol/memory_budget.h"

#include <algorithm>

#include "base/check.h"

namespace grey::flowcontrol {

MemoryBudget::Bytes MemoryBudget::split(std::uint64_t total) noexcept {
  const std::uint64_t percent = total / 100;
  Bytes limits{30 * percent, 20 * percent, 40 * percent, 0};
  limits[index(Pool::state)] = total - 90 * percent;
  return limits;
}

bool MemoryBudget::try_reserve(Pool pool, std::uint64_t bytes) noexcept {
  const std::size_t i = index(pool);
  if (bytes > limit_[i] - used_[i]) {
    ++refusals_[i];
    return false;
  }
  used_[i] += bytes;
  used_max_[i] = std::max(used_max_[i], used_[i]);
  return true;
}

void MemoryBudget::release(Pool pool, std::uint64_t bytes) noexcept {
  GREY_CHECK(bytes <= used(pool));
  used_[index(pool)] -= bytes;
}

void MemoryBudget::check_invariants() const noexcept {
  for (std::size_t i = 0; i < pool_count; ++i) {
    GREY_CHECK(used_[i] <= used_max_[i]);
    GREY_CHECK(used_max_[i] <= limit_[i]);
  }
}

Reservation::Reservation(MemoryBudget& budget, Pool pool, std::uint64_t bytes) noexcept
    : pool_(pool) {
  if (!budget.try_reserve(pool, bytes)) return;
  budget_ = &budget;
  bytes_ = bytes;
}

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  if (this == &other) return *this;
  release();
  budget_ = std::exchange(other.budget_, nullptr);
  pool_ = other.pool_;
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

void Reservation::shrink_to(std::uint64_t bytes) noexcept {
  if (budget_ == nullptr || bytes >= bytes_) return;
  budget_->release(pool_, bytes_ - bytes);
  bytes_ = bytes;
}

void Reservation::absorb(Reservation&& other) noexcept {
  if (budget_ == nullptr) {
    *this = std::move(other);
    return;
  }
  if (other.budget_ == nullptr) return;
  GREY_CHECK(other.budget_ == budget_ && other.pool_ == pool_);
  bytes_ += std::exchange(other.bytes_, 0);
  other.budget_ = nullptr;
}

void Reservation::release() noexcept {
  if (budget_ == nullptr) return;
  budget_->release(pool_, bytes_);
  budget_ = nullptr;
  bytes_ = 0;
}

}  // namespace grey::flowcontrol
