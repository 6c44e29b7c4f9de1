#include "apps/tree_copy/report.h"

#include <algorithm>
#include <cstdio>

namespace grey::tree_copy {

Duration Report::percentile(double part) const {
  if (samples.empty()) return Duration(0);
  std::vector<Duration> sorted;
  sorted.reserve(samples.size());
  for (const OperationSample& sample : samples) sorted.push_back(sample.took);
  const auto rank = static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1) + 0.5);
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(rank),
                   sorted.end());
  return sorted[rank];
}

Duration Report::slowest(MonotonicTime from, MonotonicTime to) const {
  Duration out{0};
  for (const OperationSample& sample : samples) {
    const bool overlaps = sample.started <= to && sample.started + sample.took >= from;
    if (overlaps) out = std::max(out, sample.took);
  }
  return out;
}

std::string show(Duration duration) {
  const double us = std::chrono::duration<double, std::micro>(duration).count();
  char out[32];
  if (us < 1000) {
    std::snprintf(out, sizeof out, "%.0f us", us);
  } else if (us < 1e6) {
    std::snprintf(out, sizeof out, "%.2f ms", us / 1e3);
  } else {
    std::snprintf(out, sizeof out, "%.2f s", us / 1e6);
  }
  return out;
}

std::string show_bytes(std::uint64_t bytes) {
  constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(units); ++unit) value /= 1024;
  char out[32];
  std::snprintf(out, sizeof out, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return out;
}

}  // namespace grey::tree_copy
