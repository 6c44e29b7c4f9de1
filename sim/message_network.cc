#include "sim/message_network.h"

namespace grey::sim {

void MessageNetwork::send(std::uint32_t from, std::uint32_t to, std::function<void()> deliver,
                          bool may_duplicate) {
  ++counters_.sent;
  if (may_duplicate && random_.chance(manners_.duplicate_chance)) {
    ++counters_.duplicated;
    send_one(from, to, deliver);
  }
  send_one(from, to, std::move(deliver));
}

void MessageNetwork::send_one(std::uint32_t from, std::uint32_t to, std::function<void()> deliver) {
  if (world_.is_blocked(from, to)) {
    ++counters_.blocked;
    return;
  }
  if (random_.chance(manners_.loss_chance)) {
    ++counters_.lost;
    return;
  }
  Duration latency = random_.between(manners_.latency_min, manners_.latency_max);
  if (random_.chance(manners_.slow_chance)) {
    ++counters_.slow;
    latency += random_.between(Duration(0), manners_.latency_slow_max);
  }
  world_.schedule_at(world_.now() + latency, std::move(deliver));
}

}  // namespace grey::sim
