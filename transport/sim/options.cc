#include "transport/sim/options.h"

#include <utility>

namespace grey::transport::sim {

NetworkOptions NetworkOptions::hostile() {
  NetworkOptions o;
  o.latency_max = std::chrono::milliseconds(2);
  o.slow_chance = 0.01;
  o.loss_chance = 0.005;
  o.window_bytes = 64 * 1024;
  o.split_send_chance = 0.3;
  o.split_receive_chance = 0.3;
  o.short_send_chance = 0.3;
  o.unreachable_timeout = std::chrono::seconds(10);
  return o;
}

std::string FaultCounters::to_string() const {
  const std::pair<const char*, std::uint64_t> all[] = {
      {"slow_packets", slow_packets},
      {"losses", losses},
      {"split_sends", split_sends},
      {"split_receives", split_receives},
      {"short_sends", short_sends},
      {"windows_full", windows_full},
      {"bit_flips", bit_flips},
      {"resets", resets},
      {"refused", refused},
      {"connect_timeouts", connect_timeouts},
      {"unreachable_timeouts", unreachable_timeouts},
      {"partitions", partitions},
      {"clogs", clogs},
      {"packets_held", packets_held},
      {"crashes", crashes},
      {"tasks_lost_in_crashes", tasks_lost_in_crashes},
      {"restarts", restarts},
      {"pauses", pauses},
      {"callbacks_delayed_by_pauses", callbacks_delayed_by_pauses},
      {"clock_jumps", clock_jumps},
  };
  std::string out;
  for (const auto& [name, value] : all) {
    if (!out.empty()) out += ' ';
    out += name;
    out += '=';
    out += std::to_string(value);
  }
  return out;
}

}  // namespace grey::transport::sim
