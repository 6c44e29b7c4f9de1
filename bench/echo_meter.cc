#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <ctime>

#include "bench/echo.h"

namespace grey::bench {
namespace {

std::int64_t process_cpu_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

void EchoMeter::begin(MonotonicTime now) { begin_ = now; }

bool EchoMeter::completed(MonotonicTime sent_at, MonotonicTime now) {
  if (!measuring_) {
    if (now - begin_ < shape_.warm_up) return false;
    measuring_ = true;
    measured_from_ = now;
    cpu_ns_at_begin_ = process_cpu_ns();
  }
  latencies_ns_.push_back(static_cast<std::uint32_t>((now - sent_at).count()));
  last_ = now;
  if (now - measured_from_ < shape_.measured) return false;
  cpu_ns_at_end_ = process_cpu_ns();
  return true;
}

EchoFigures EchoMeter::figures() const {
  EchoFigures figures;
  if (latencies_ns_.empty()) return figures;
  std::vector<std::uint32_t> sorted = latencies_ns_;
  std::sort(sorted.begin(), sorted.end());
  const auto count = static_cast<double>(sorted.size());
  figures.requests_per_second =
      count / std::chrono::duration<double>(last_ - measured_from_).count();
  figures.latency_us_p50 = sorted[sorted.size() / 2] / 1e3;
  figures.latency_us_p99 = sorted[sorted.size() * 99 / 100] / 1e3;
  figures.cpu_us_per_request = static_cast<double>(cpu_ns_at_end_ - cpu_ns_at_begin_) / 1e3 / count;
  return figures;
}

void pin_to_processor(unsigned processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

}  // namespace grey::bench
