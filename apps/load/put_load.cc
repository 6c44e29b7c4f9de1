#include "apps/load/put_load.h"

#include <grey/error.h>

namespace grey::load {

namespace {

constexpr std::size_t told_max = 10;

void tell(std::vector<std::string>& list, std::string what) {
  if (list.size() < told_max) list.push_back(std::move(what));
}

std::string describe(const std::string& key, const boost::system::error_code& outcome,
                     const std::string& detail) {
  return key + ": " + outcome.message() + (detail.empty() ? "" : " (" + detail + ")");
}

}  // namespace

void PutLoad::start() {
  {
    const std::scoped_lock lock(mutex_);
    running_ = true;
  }
  for (std::size_t i = 0; i < options_.outstanding; ++i) put_next();
}

void PutLoad::stop() {
  std::unique_lock lock(mutex_);
  running_ = false;
  changed_.wait(lock, [&] { return under_way_ == 0; });
}

void PutLoad::put_next() {
  std::size_t number = 0;
  {
    const std::scoped_lock lock(mutex_);
    if (!running_) return;
    number = samples_.size();
    samples_.push_back({options_.clock->now(), {}, {}});
    ++under_way_;
  }
  client_.async().async_put(
      key(number), value(number),
      [this, number](boost::system::error_code outcome, const WriteResult& result) {
        finished(number, outcome, result.detail);
      });
}

void PutLoad::finished(std::size_t number, boost::system::error_code outcome,
                       const std::string& detail) {
  {
    const std::scoped_lock lock(mutex_);
    PutSample& sample = samples_[number];
    sample.ended = options_.clock->now();
    sample.outcome = outcome;
    if (!outcome) {
      ++acknowledged_;
    } else {
      ++failed_;
      if (outcome == errc::outcome_unknown) ++unknown_;
      tell(failures_, describe(key(number), outcome, detail));
    }
  }
  // The next one is counted before this one is not, so that stop() sees the last of them end.
  put_next();
  const std::scoped_lock lock(mutex_);
  --under_way_;
  changed_.notify_all();
}

bool PutLoad::wait_for_more(std::uint64_t count, Duration timeout) {
  std::unique_lock lock(mutex_);
  const std::uint64_t wanted = acknowledged_ + count;
  return changed_.wait_for(lock, timeout, [&] { return acknowledged_ >= wanted; });
}

std::uint64_t PutLoad::acknowledged() const {
  const std::scoped_lock lock(mutex_);
  return acknowledged_;
}
std::vector<std::string> PutLoad::failures() const {
  const std::scoped_lock lock(mutex_);
  return failures_;
}
std::uint64_t PutLoad::failed() const {
  const std::scoped_lock lock(mutex_);
  return failed_;
}
std::uint64_t PutLoad::unknown() const {
  const std::scoped_lock lock(mutex_);
  return unknown_;
}

std::vector<std::string> PutLoad::verify() {
  std::vector<std::string> wrong;
  std::unique_lock lock(mutex_);
  for (std::size_t number = 0; number < samples_.size(); ++number) {
    if (samples_[number].outcome) continue;
    changed_.wait(lock, [&] { return under_way_ < options_.outstanding; });
    ++under_way_;
    lock.unlock();
    client_.async().async_get(key(number), [this, number, &wrong](boost::system::error_code outcome,
                                                                  const GetResult& result) {
      const bool same = result.value == value(number);
      const std::scoped_lock guard(mutex_);
      if (outcome) {
        tell(wrong, describe(key(number), outcome, result.detail));
      } else if (!same) {
        tell(wrong, key(number) + ": holds something else");
      }
      --under_way_;
      changed_.notify_all();
    });
    lock.lock();
  }
  changed_.wait(lock, [&] { return under_way_ == 0; });
  return wrong;
}

std::string PutLoad::value(std::size_t number) const {
  std::string text = std::to_string(number) + ' ';
  text.resize(std::max(text.size(), options_.value_bytes), static_cast<char>('a' + number % 26));
  return text;
}

}  // namespace grey::load
