#include "flowcontrol/memory_budget.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/random.h"
#include "flowcontrol/credit_window.h"

namespace grey::flowcontrol {
namespace {

TEST(MemoryBudget, SplitUsesTheWholeAndPoolsAreApart) {
  for (const std::uint64_t total : {0ull, 1ull, 99ull, 1ull << 30, ~0ull}) {
    std::uint64_t sum = 0;
    for (const std::uint64_t part : MemoryBudget::split(total)) sum += part;
    EXPECT_EQ(sum, total);
  }
  MemoryBudget budget({10, 20, 30, 40});
  EXPECT_TRUE(budget.try_reserve(Pool::ingress, 10));
  EXPECT_FALSE(budget.try_reserve(Pool::ingress, 1));
  EXPECT_FALSE(budget.try_reserve(Pool::ingress, ~0ull));
  EXPECT_TRUE(budget.try_reserve(Pool::egress, 20));
  EXPECT_EQ(budget.refusals(Pool::ingress), 2u);
  EXPECT_EQ(budget.used_max(Pool::egress), 20u);
  budget.check_invariants();
}

TEST(Reservation, GivesBackOnEveryPath) {
  MemoryBudget budget({100, 0, 0, 0});
  {
    Reservation a(budget, Pool::ingress, 60);
    ASSERT_TRUE(a.is_held());
    EXPECT_FALSE(Reservation(budget, Pool::ingress, 41).is_held());
    a.shrink_to(70);
    EXPECT_EQ(a.bytes(), 60u);
    a.shrink_to(50);
    Reservation b(std::move(a));
    EXPECT_FALSE(a.is_held());  // NOLINT: what a moved-from reservation holds is the point
    Reservation c(budget, Pool::ingress, 50);
    c = std::move(b);
    EXPECT_EQ(budget.used(Pool::ingress), 50u);
    c.release();
    c.release();
    EXPECT_EQ(budget.used(Pool::ingress), 0u);
  }
  EXPECT_EQ(budget.used(Pool::ingress), 0u);
}

TEST(Reservation, AbsorbsAnother) {
  MemoryBudget budget({100, 0, 0, 0});
  Reservation all;
  for (int i = 0; i < 3; ++i) all.absorb(Reservation(budget, Pool::ingress, 20));
  all.absorb(Reservation());
  EXPECT_EQ(all.bytes(), 60u);
  EXPECT_EQ(budget.used(Pool::ingress), 60u);
  all.shrink_to(10);
  EXPECT_EQ(budget.used(Pool::ingress), 10u);
}

TEST(MemoryBudget, RandomReservationsNeverExceedALimitAndAllComeBack) {
  Random random(7);
  MemoryBudget budget({1000, 500, 100, 0});
  std::vector<Reservation> held;
  for (int step = 0; step < 20000; ++step) {
    if (random.chance(0.55)) {
      const auto pool = static_cast<Pool>(random.below(pool_count));
      Reservation r(budget, pool, random.below(300));
      if (r.is_held()) held.push_back(std::move(r));
    } else if (!held.empty()) {
      const std::size_t i = random.below(held.size());
      if (random.chance(0.3)) {
        held[i].shrink_to(random.below(300));
      } else {
        std::swap(held[i], held.back());
        held.pop_back();
      }
    }
    budget.check_invariants();
  }
  held.clear();
  for (std::size_t i = 0; i < pool_count; ++i) EXPECT_EQ(budget.used(static_cast<Pool>(i)), 0u);
}

// The promise that the budget exists for: windows reserved before they are granted never let peers
// hold more of this node than the ingress pool.
TEST(MemoryBudget, CreditGrantedAltogetherStaysWithinIngress) {
  Random random(11);
  MemoryBudget budget({10'000, 0, 0, 0});
  struct Peer {
    Reservation reservation;
    ReceiveWindow window;
  };
  std::vector<Peer> peers;
  for (int step = 0; step < 5000; ++step) {
    if (random.chance(0.1)) {
      const std::uint64_t bytes = random.between(1, 2000);
      Reservation r(budget, Pool::ingress, bytes);
      if (r.is_held()) peers.push_back({std::move(r), ReceiveWindow({bytes, 16})});
    } else if (!peers.empty()) {
      const std::size_t i = random.below(peers.size());
      ReceiveWindow& window = peers[i].window;
      if (random.chance(0.05)) {
        std::swap(peers[i], peers.back());
        peers.pop_back();
      } else {
        const std::uint64_t bytes = random.below(500);
        if (window.on_received(bytes)) window.release(bytes);
        if (window.grant_due()) window.grant();
      }
    }
    std::uint64_t outstanding = 0;
    for (const Peer& peer : peers) {
      outstanding += peer.window.granted().bytes - peer.window.released().bytes;
    }
    ASSERT_LE(outstanding, budget.limit(Pool::ingress));
  }
}

}  // namespace
}  // namespace grey::flowcontrol
