#include "sim/lincheck/checker.h"

#include <gtest/gtest.h>

#include <string>

namespace grey::lincheck {
namespace {

/// Writes histories by hand: begin(), then one of the answers, in the order of events.
class Script {
 public:
  OperationIndex get(std::uint32_t process) { return begin({.process = process}); }
  OperationIndex put(std::uint32_t process, const char* value, Version version = 0) {
    return begin({.process = process, .kind = Kind::put, .value = text(value), .version = version});
  }
  OperationIndex remove(std::uint32_t process) {
    return begin({.process = process, .kind = Kind::remove});
  }
  OperationIndex cas(std::uint32_t process, Expected expected, const char* value) {
    return begin(
        {.process = process, .kind = Kind::cas, .value = text(value), .expected = expected});
  }
  void ok(OperationIndex op) { history_.complete(op, {Outcome::ok}); }
  void saw(OperationIndex op, const char* value, Version version = 0) {
    history_.complete(op, {Outcome::ok, Seen{text(value), version}});
  }
  void failed(OperationIndex op) { history_.complete(op, {Outcome::failed}); }
  void failed_on(OperationIndex op, const char* value) {
    history_.complete(op, {Outcome::failed, Seen{text(value), 0}});
  }
  void unknown(OperationIndex op) { history_.complete(op, {Outcome::unknown}); }
  void not_applied(OperationIndex op) { history_.complete(op, {Outcome::not_applied}); }

  // Whole operations, one after the other.
  void did_put(const char* value) { ok(put(0, value)); }
  void did_see(const char* value) { saw(get(0), value); }

  Expected is(const char* value) { return Expected::value_is(text(value)); }
  Text text(const char* value) { return value == nullptr ? absent : history_.intern(value); }
  CheckResult check() { return lincheck::check(history_); }
  bool linearizable() { return check().verdict == Verdict::linearizable; }
  History& history() { return history_; }

 private:
  OperationIndex begin(Call call) {
    call.key = history_.intern("key");
    return history_.invoke(call);
  }
  History history_;
};

TEST(Lincheck, EmptyHistoryIsLinearizable) {
  EXPECT_EQ(check(History{}).verdict, Verdict::linearizable);
}

TEST(Lincheck, SequentialHistories) {
  Script good;
  good.did_see(nullptr);
  good.did_put("1");
  good.did_see("1");
  good.did_put("2");
  good.did_see("2");
  good.ok(good.remove(0));
  good.did_see(nullptr);
  EXPECT_TRUE(good.linearizable());

  Script stale;
  stale.did_put("1");
  stale.did_put("2");
  stale.did_see("1");
  EXPECT_FALSE(stale.linearizable());

  Script lost;
  lost.did_put("1");
  lost.did_see(nullptr);
  EXPECT_FALSE(lost.linearizable());

  Script from_nowhere;
  from_nowhere.did_see("1");
  EXPECT_FALSE(from_nowhere.linearizable());
}

TEST(Lincheck, ConcurrentReadsMaySeeEitherButNotGoBack) {
  for (const bool goes_back : {false, true}) {
    Script s;
    s.did_put("1");
    const auto put = s.put(1, "2");
    s.saw(s.get(2), goes_back ? "2" : "1");
    s.saw(s.get(3), goes_back ? "1" : "2");
    s.ok(put);
    EXPECT_EQ(s.linearizable(), !goes_back);
  }
}

TEST(Lincheck, OverwrittenByAConcurrentWriteOfNobodysNotice) {
  Script s;
  const auto a = s.put(1, "a");
  const auto b = s.put(2, "b");
  const auto c = s.put(3, "c");
  s.ok(b);
  s.did_see("b");
  s.ok(a);
  s.ok(c);
  s.did_see("c");
  EXPECT_TRUE(s.linearizable());
}

TEST(Lincheck, AWriteHiddenAtItsAnswerCannotAppearLater) {
  Script s;
  const auto a = s.put(1, "a");
  s.did_put("b");
  s.did_see("b");
  s.ok(a);         // either before b, unseen, or after the read
  s.did_see("a");  // so: after
  s.did_see("b");  // and then b cannot come back
  EXPECT_FALSE(s.linearizable());
}

TEST(Lincheck, CompareAndSwap) {
  Script chain;
  chain.ok(chain.cas(0, Expected::nothing(), "1"));
  const auto first = chain.cas(1, chain.is("1"), "2");
  const auto second = chain.cas(2, chain.is("2"), "3");
  chain.ok(second);
  chain.ok(first);
  chain.did_see("3");
  EXPECT_TRUE(chain.linearizable());

  Script both_win;
  both_win.did_put("1");
  const auto x = both_win.cas(1, both_win.is("1"), "x");
  const auto y = both_win.cas(2, both_win.is("1"), "y");
  both_win.ok(x);
  both_win.ok(y);
  EXPECT_FALSE(both_win.linearizable());

  Script wrongly_failed;
  wrongly_failed.did_put("1");
  wrongly_failed.failed(wrongly_failed.cas(1, wrongly_failed.is("1"), "x"));
  EXPECT_FALSE(wrongly_failed.linearizable());

  Script rightly_failed;
  rightly_failed.did_put("1");
  const auto put = rightly_failed.put(2, "2");
  rightly_failed.failed_on(rightly_failed.cas(1, rightly_failed.is("1"), "x"), "2");
  rightly_failed.ok(put);
  EXPECT_TRUE(rightly_failed.linearizable());

  Script told_what_it_expected;
  told_what_it_expected.did_put("1");
  told_what_it_expected.failed_on(told_what_it_expected.cas(1, told_what_it_expected.is("1"), "x"),
                                  "1");
  EXPECT_FALSE(told_what_it_expected.linearizable());
}

TEST(Lincheck, UnknownWritesMayHappenLateOrNever) {
  Script late;
  late.did_put("1");
  late.unknown(late.put(1, "2"));
  late.did_see("1");
  late.did_see("2");
  EXPECT_TRUE(late.linearizable());

  Script never;
  never.did_put("1");
  never.put(1, "2");  // no answer at all
  never.did_see("1");
  EXPECT_TRUE(never.linearizable());

  Script twice;
  twice.unknown(twice.put(1, "2"));
  twice.did_see("2");
  twice.did_put("3");
  twice.did_see("2");
  EXPECT_FALSE(twice.linearizable());

  Script too_early;
  too_early.did_see("2");
  too_early.unknown(too_early.put(1, "2"));
  EXPECT_FALSE(too_early.linearizable());

  Script unknown_cas_must_match;
  unknown_cas_must_match.did_put("1");
  unknown_cas_must_match.unknown(
      unknown_cas_must_match.cas(1, unknown_cas_must_match.is("0"), "2"));
  unknown_cas_must_match.did_see("2");
  EXPECT_FALSE(unknown_cas_must_match.linearizable());
}

TEST(Lincheck, NotAppliedHasNoEffect) {
  Script s;
  s.did_put("1");
  s.not_applied(s.put(1, "2"));
  s.did_see("1");
  EXPECT_TRUE(s.linearizable());
  s.did_see("2");
  EXPECT_FALSE(s.linearizable());
}

TEST(Lincheck, VersionsTellEqualValuesApart) {
  for (const Version seen : {7u, 8u}) {
    Script s;
    s.ok(s.put(0, "same", 7));
    s.ok(s.put(0, "same", 8));
    s.saw(s.get(0), "same", seen);
    EXPECT_EQ(s.linearizable(), seen == 8);
  }
  for (const Version expected : {7u, 8u}) {
    Script s;
    s.ok(s.put(0, "same", 7));
    s.ok(s.put(0, "same", 8));
    s.ok(s.cas(0, Expected::version_is(expected), "next"));
    EXPECT_EQ(s.linearizable(), expected == 8);
  }
}

TEST(Lincheck, KeysAreIndependent) {
  History history;
  const Text a = history.intern("a");
  const Text b = history.intern("b");
  const Text one = history.intern("1");
  const auto put = history.invoke({.key = a, .kind = Kind::put, .value = one});
  history.complete(put, {Outcome::ok});
  const auto get = history.invoke({.key = b});
  history.complete(get, {Outcome::ok, Seen{one, 0}});
  const CheckResult result = check(history);
  EXPECT_EQ(result.verdict, Verdict::not_linearizable);
  EXPECT_EQ(result.keys, 2u);
  ASSERT_EQ(result.violations.size(), 1u);
  EXPECT_EQ(result.violations[0].key, b);
  EXPECT_EQ(result.violations[0].operation, get);
}

TEST(Lincheck, NamesTheFirstAnswerThatNothingExplains) {
  Script s;
  for (int i = 0; i < 50; ++i) s.did_put("old");
  s.did_put("1");
  const auto culprit = s.get(3);
  const auto beside = s.put(4, "3");
  s.did_put("2");
  s.did_see("2");
  s.saw(culprit, "4");
  s.ok(beside);
  for (int i = 0; i < 50; ++i) s.did_put("new");
  s.did_see("nonsense");
  const CheckResult result = s.check();
  ASSERT_EQ(result.violations.size(), 1u);
  const Violation& violation = result.violations[0];
  EXPECT_EQ(violation.operation, culprit);
  EXPECT_EQ(violation.possible.size(), 1u) << "the read of 2 has settled it";
  EXPECT_LE(violation.window.size(), 5u);
  const std::string text = render(s.history(), violation);
  EXPECT_NE(text.find("p3  get key -> 4"), std::string::npos) << text;
  EXPECT_NE(text.find("one of: 2\n"), std::string::npos) << text;
  EXPECT_NE(text.find("p4  put key = 3 -> ok"), std::string::npos) << text;
  EXPECT_EQ(text.find("old"), std::string::npos) << text;
  EXPECT_EQ(text.find("nonsense"), std::string::npos) << text;
}

TEST(Lincheck, RendersEveryKindOfOperation) {
  Script s;
  const auto line = [&](OperationIndex op) {
    return render(s.history(), s.history().operations()[op]);
  };
  const auto cas = s.cas(1, s.is("a"), nullptr);
  EXPECT_EQ(line(cas), "p1  cas key from a to absent -> no answer");
  s.failed_on(cas, "b\n");
  EXPECT_EQ(line(cas), "p1  cas key from a to absent -> failed, saw b\\x0a");
  const auto by_version = s.cas(1, Expected::version_is(9), "c");
  s.unknown(by_version);
  EXPECT_EQ(line(by_version), "p1  cas key from v9 to c -> unknown");
  const auto remove = s.remove(2);
  s.not_applied(remove);
  EXPECT_EQ(line(remove), "p2  delete key -> not applied");
  const auto put = s.put(3, std::string(100, 'x').c_str(), 5);
  s.ok(put);
  EXPECT_EQ(line(put), "p3  put key = " + std::string(24, 'x') + "...(100 bytes)@v5 -> ok");
}

TEST(Lincheck, SaysSoWhenItDoesNotKnow) {
  Script s;
  for (const char* value : {"1", "2", "3", "4", "5"}) {
    s.did_put(value);
    s.did_see(value);
  }
  EXPECT_EQ(check(s.history(), {.steps_max = 3}).verdict, Verdict::undecided);
  EXPECT_EQ(check(s.history()).verdict, Verdict::linearizable);
}

}  // namespace
}  // namespace grey::lincheck
