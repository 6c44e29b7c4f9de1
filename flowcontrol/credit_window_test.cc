#include "flowcontrol/credit_window.h"

#include <gtest/gtest.h>

#include <deque>

#include "base/random.h"

namespace grey::flowcontrol {
namespace {

TEST(SendWindow, StartsWithNothingAndSpendsWhatIsGranted) {
  SendWindow window;
  EXPECT_FALSE(window.can_send(0));
  ASSERT_TRUE(window.on_grant({100, 2}));
  EXPECT_TRUE(window.can_send(100));
  EXPECT_FALSE(window.can_send(101));
  window.consume(60);
  EXPECT_EQ(window.available(), (Credit{40, 1}));
  window.consume(0);
  EXPECT_FALSE(window.can_send(0)) << "bytes are left, messages are not";
  window.check_invariants();
}

TEST(SendWindow, SameGrantTwiceAddsNothing) {
  SendWindow window;
  ASSERT_TRUE(window.on_grant({100, 2}));
  ASSERT_TRUE(window.on_grant({100, 2}));
  EXPECT_EQ(window.available(), (Credit{100, 2}));
}

TEST(SendWindow, RefusesGrantsThatGoBackOrCouldWrap) {
  SendWindow window;
  ASSERT_TRUE(window.on_grant({100, 10}));
  window.consume(50);
  for (const Credit hostile :
       {Credit{99, 10}, Credit{100, 9}, Credit{0, 0}, Credit{200, 9}, Credit{99, 20},
        Credit{credit_total_max + 1, 10}, Credit{100, credit_total_max + 1},
        Credit{~std::uint64_t{0}, ~std::uint64_t{0}}}) {
    const Status status = window.on_grant(hostile);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::bad_credit);
    EXPECT_EQ(window.available(), (Credit{50, 9}));
    window.check_invariants();
  }
  EXPECT_TRUE(window.on_grant({credit_total_max, credit_total_max}));
  window.check_invariants();
}

TEST(ReceiveWindow, RefusesWhatIsBeyondTheGrantAndCountsNothing) {
  ReceiveWindow window({100, 2});
  EXPECT_EQ(window.granted(), (Credit{100, 2}));
  for (const std::uint64_t bytes : {std::uint64_t{101}, ~std::uint64_t{0}}) {
    const Status status = window.on_received(bytes);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::credit_violation);
  }
  EXPECT_TRUE(window.on_received(100));
  EXPECT_TRUE(window.on_received(0));
  EXPECT_FALSE(window.on_received(0)) << "a third message";
  EXPECT_EQ(window.unreleased(), (Credit{100, 2}));
  window.check_invariants();
}

TEST(ReceiveWindow, GrantIsDueAtHalfOfEither) {
  ReceiveWindow by_bytes({100, 100});
  ASSERT_TRUE(by_bytes.on_received(50));
  EXPECT_FALSE(by_bytes.grant_due()) << "received is not yet released";
  by_bytes.release(49, 0);
  EXPECT_FALSE(by_bytes.grant_due());
  by_bytes.release(1);
  EXPECT_TRUE(by_bytes.grant_due());
  EXPECT_EQ(by_bytes.grant(), (Credit{150, 101}));
  EXPECT_FALSE(by_bytes.grant_due());

  ReceiveWindow by_messages({100, 2});
  ASSERT_TRUE(by_messages.on_received(1));
  by_messages.release(1);
  EXPECT_TRUE(by_messages.grant_due());
}

TEST(ReceiveWindow, SmallestWindowWorks) {
  ReceiveWindow window({1, 1});
  EXPECT_FALSE(window.grant_due());
  ASSERT_TRUE(window.on_received(1));
  EXPECT_FALSE(window.grant_due());
  window.release(1);
  EXPECT_TRUE(window.grant_due());
  EXPECT_EQ(window.grant(), (Credit{2, 2}));
}

// A sender and a receiver joined by an ordered pipe each way, driven at random: nothing honest is
// ever refused, the receiver's load stays within its window, and no unit up to unit_bytes_max
// starves once the receiver has caught up.
TEST(CreditWindows, JoinedAtRandomStayWithinTheWindowAndNeverStall) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    const Credit size{random.between(1, 1000), random.between(1, 20)};
    ReceiveWindow receiver(size);
    SendWindow sender;
    ASSERT_TRUE(sender.on_grant(receiver.granted()));
    std::deque<std::uint64_t> on_wire, held;
    std::deque<Credit> grants;
    int sent = 0;
    for (int step = 0; step < 2000; ++step) {
      const std::uint64_t unit = random.between(0, unit_bytes_max(size.bytes));
      switch (random.below(4)) {
        case 0:
          if (!sender.can_send(unit)) break;
          sender.consume(unit);
          on_wire.push_back(unit);
          ++sent;
          break;
        case 1:
          if (on_wire.empty()) break;
          ASSERT_TRUE(receiver.on_received(on_wire.front()));
          held.push_back(on_wire.front());
          on_wire.pop_front();
          break;
        case 2:
          if (held.empty()) break;
          receiver.release(held.front());
          held.pop_front();
          if (receiver.grant_due()) grants.push_back(receiver.grant());
          break;
        case 3:
          if (grants.empty()) break;
          ASSERT_TRUE(sender.on_grant(grants.front()));
          grants.pop_front();
          break;
      }
      ASSERT_LE(receiver.unreleased().bytes, size.bytes);
      ASSERT_LE(receiver.unreleased().messages, size.messages);
      sender.check_invariants();
      receiver.check_invariants();
    }
    EXPECT_GT(sent, 0);
    for (; !on_wire.empty(); on_wire.pop_front()) {
      ASSERT_TRUE(receiver.on_received(on_wire.front()));
      held.push_back(on_wire.front());
    }
    for (; !held.empty(); held.pop_front()) receiver.release(held.front());
    if (receiver.grant_due()) grants.push_back(receiver.grant());
    for (; !grants.empty(); grants.pop_front()) ASSERT_TRUE(sender.on_grant(grants.front()));
    EXPECT_TRUE(sender.can_send(unit_bytes_max(size.bytes))) << "seed " << seed;
  }
}

}  // namespace
}  // namespace grey::flowcontrol
