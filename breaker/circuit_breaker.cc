#include "breaker/circuit_breaker.h"

#include <algorithm>

#include "base/check.h"

namespace grey::breaker {

CircuitBreaker::CircuitBreaker(BreakerOptions options)
    : options_(options), open_next_(options.open_base), leases_(options.probes_max) {
  GREY_CHECK(options.window >= Duration(bucket_count) && options.probes_max > 0);
  GREY_CHECK(options.open_base > Duration{} && options.open_base <= options.open_cap);
  GREY_CHECK(options.jitter >= 0 && options.jitter < 1);
}

std::optional<Permit> CircuitBreaker::try_acquire(MonotonicTime now) {
  half_open_if_due(now);
  if (state_ == BreakerState::closed) return Permit{generation_, 0, false};
  if (state_ == BreakerState::open) return std::nullopt;
  const auto lease =
      std::ranges::find_if(leases_, [now](const Lease& l) { return l.id == 0 || l.until <= now; });
  if (lease == leases_.end()) return std::nullopt;
  *lease = {next_lease_++, now + options_.probe_lease};
  return Permit{generation_, lease->id, false};
}

void CircuitBreaker::on_result(const Permit& permit, Outcome outcome, MonotonicTime now,
                               Random& random) {
  if (permit.is_bypass) {
    if (outcome == Outcome::success) on_reachable(now);
    return;
  }
  if (permit.generation != generation_) return;
  if (state_ == BreakerState::half_open) {
    const auto lease = std::ranges::find(leases_, permit.lease, &Lease::id);
    if (lease != leases_.end()) on_probe_result(*lease, outcome, now, random);
    return;
  }
  if (state_ != BreakerState::closed) return;
  if (outcome != Outcome::success && outcome != Outcome::failure) return;
  count(outcome == Outcome::failure, now);
  if (outcome == Outcome::failure && is_failing(now)) open(now, random);
}

void CircuitBreaker::on_probe_result(Lease& lease, Outcome outcome, MonotonicTime now,
                                     Random& random) {
  const bool expired = lease.until <= now;
  lease = {};
  if (expired || outcome == Outcome::unknown) return;
  if (outcome == Outcome::failure) return open(now, random);
  if (++probe_successes_ < options_.successes_to_close) return;
  open_next_ = options_.open_base;
  change_to(BreakerState::closed);
}

void CircuitBreaker::on_reachable(MonotonicTime now) {
  half_open_if_due(now);
  if (state_ == BreakerState::open) change_to(BreakerState::half_open);
}

BreakerState CircuitBreaker::state(MonotonicTime now) const noexcept {
  return state_ == BreakerState::open && open_until_ <= now ? BreakerState::half_open : state_;
}

void CircuitBreaker::half_open_if_due(MonotonicTime now) {
  if (state_ == BreakerState::open && open_until_ <= now) change_to(BreakerState::half_open);
}

void CircuitBreaker::change_to(BreakerState state) {
  state_ = state;
  ++generation_;
  probe_successes_ = 0;
  buckets_.fill({});
  std::ranges::fill(leases_, Lease{});
}

void CircuitBreaker::open(MonotonicTime now, Random& random) {
  const auto spread = Duration(
      static_cast<std::int64_t>(static_cast<double>(open_next_.count()) * options_.jitter));
  const Duration chosen = random.between(open_next_ - spread, open_next_ + spread);
  open_until_ = now + std::min(chosen, options_.open_cap);
  open_next_ = open_next_ > options_.open_cap / 2 ? options_.open_cap : open_next_ * 2;
  ++times_opened_;
  change_to(BreakerState::open);
}

std::int64_t CircuitBreaker::slice(MonotonicTime now) const noexcept {
  return now.time_since_epoch() / (options_.window / bucket_count);
}

void CircuitBreaker::count(bool failure, MonotonicTime now) {
  const std::int64_t number = slice(now);
  Bucket& bucket = buckets_[static_cast<std::size_t>(number % bucket_count)];
  if (bucket.number != number) bucket = {number, 0, 0};
  ++bucket.calls;
  if (failure) ++bucket.failures;
}

bool CircuitBreaker::is_failing(MonotonicTime now) const noexcept {
  const std::int64_t number = slice(now);
  std::uint64_t calls = 0, failures = 0;
  for (const Bucket& bucket : buckets_) {
    if (bucket.number <= number - bucket_count) continue;
    calls += bucket.calls;
    failures += bucket.failures;
  }
  return calls >= options_.calls_min &&
         static_cast<double>(failures) >= options_.error_rate * static_cast<double>(calls);
}

void CircuitBreaker::check_invariants() const noexcept {
  GREY_CHECK(open_next_ >= options_.open_base && open_next_ <= options_.open_cap);
  GREY_CHECK(leases_.size() == options_.probes_max);
  GREY_CHECK(probe_successes_ < std::max(1u, options_.successes_to_close));
  if (state_ == BreakerState::half_open) return;
  GREY_CHECK(probe_successes_ == 0);
  for (const Lease& lease : leases_) GREY_CHECK(lease.id == 0);
}

}  // namespace grey::breaker
