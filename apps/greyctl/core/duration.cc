#include "apps/greyctl/core/duration.h"

#include <charconv>
#include <cstdint>
#include <utility>

namespace grey::ctl {

namespace {

constexpr std::pair<std::string_view, std::int64_t> units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
constexpr std::int64_t duration_ms_max = 24 * 3'600'000;

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto bad = [&] {
    return fail(ErrorCode::config_bad_value, "'" + std::string(text) +
                                                 "' is no duration from 1ms to 24h; write 500ms, "
                                                 "10s, 2m or 1h");
  };
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number <= 0) return bad();
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const auto& [name, factor] : units) {
    if (unit != name) continue;
    if (number > duration_ms_max / factor) return bad();
    return std::chrono::milliseconds(number * factor);
  }
  return bad();
}

std::string show_duration(std::chrono::milliseconds duration) {
  const std::int64_t ms = duration.count();
  const std::int64_t s = ms / 1000;
  const auto two = [](std::int64_t a, const char* unit_a, std::int64_t b, const char* unit_b) {
    return std::to_string(a) + unit_a + " " + std::to_string(b) + unit_b;
  };
  if (s >= 86'400) return two(s / 86'400, "d", s % 86'400 / 3600, "h");
  if (s >= 3600) return two(s / 3600, "h", s % 3600 / 60, "m");
  if (s >= 60) return two(s / 60, "m", s % 60, "s");
  return s > 0 ? std::to_string(s) + "s" : std::to_string(ms) + "ms";
}

}  // namespace grey::ctl
