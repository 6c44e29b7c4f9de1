// A network of messages between simulated hosts: each message is delayed, lost, duplicated and
// reordered on its own, as the register's rules allow ("message loss, duplication, reordering and
// unlimited delay"). Partitions are those of the world below.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include "base/random.h"
#include "sim/profile.h"
#include "transport/sim/world.h"

namespace grey::sim {

struct MessageCounters {
  std::uint64_t sent = 0;
  std::uint64_t lost = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t slow = 0;
  std::uint64_t blocked = 0;  // by a partition
};

class MessageNetwork {
 public:
  MessageNetwork(transport::sim::World& world, const MessageManners& manners, Random random)
      : world_(world), manners_(manners), random_(random) {}

  /// Calls `deliver` when the message arrives, perhaps never, perhaps twice. Requests of clients
  /// travel over connections, which do not duplicate: `may_duplicate` false.
  void send(std::uint32_t from, std::uint32_t to, std::function<void()> deliver,
            bool may_duplicate);
  void set_manners(const MessageManners& manners) { manners_ = manners; }
  const MessageCounters& counters() const noexcept { return counters_; }

 private:
  void send_one(std::uint32_t from, std::uint32_t to, std::function<void()> deliver);

  transport::sim::World& world_;
  MessageManners manners_;
  Random random_;
  MessageCounters counters_;
};

}  // namespace grey::sim
