// Flows against scripted replies: what is sent where, and how each story ends.
#include "client/flow.h"

#include <gtest/gtest.h>

#include <map>

namespace grey::client {
namespace {

using namespace std::chrono_literals;
using Kind = Action::Kind;
using Outcome = protocol::ResolveReply::Outcome;

class FakeGuide final : public Guide {
 public:
  void candidates(ByteView, MonotonicTime, std::vector<NodeId>& out) override { out = up; }
  protocol::WireWindow window(ByteView) override { return {1, {}, round_high}; }
  OperationId next_operation() override { return {{1, 1}, ++sequence}; }
  std::uint32_t reply_bytes_full() override { return 2u << 20; }
  Error why_unreachable() override { return unreachable; }
  Random& random() override { return random_; }

  std::vector<NodeId> up{1, 2, 3};
  std::uint64_t round_high = 64;
  std::uint64_t sequence = 0;
  Error unreachable;

 private:
  Random random_{1};
};

class Story {
 public:
  explicit Story(OperationType type, Submission question = {})
      : flow(type, "key", FlowOptions{}, guide, question) {
    act(flow.start(now, now + 10s));
  }
  void act(Action action) { last = std::move(action); }
  void reply(ErrorCode code, bool sent = true, bool answered = true) {
    act(flow.on_reply({.end = {code, sent, answered}}, now));
  }
  /// The attempt's deadline passes without an answer.
  void silence() {
    now = last.at;
    reply(ErrorCode::deadline_exceeded, true, false);
  }
  void refused() { reply(ErrorCode::connection_refused, false, false); }
  void resolved(Outcome outcome) {
    act(flow.on_reply({.end = {ErrorCode::ok, true, true}, .resolution = outcome}, now));
  }
  void wake() {
    ASSERT_EQ(last.kind, Kind::wait);
    now = last.at;
    act(flow.on_wake(now));
  }
  bool sends(NodeId node, AttemptKind kind) const {
    return last.kind == Kind::send && last.node == node && last.attempt == kind;
  }
  bool ends(ErrorCode code) const {
    return last.kind == Kind::finish && flow.result().code == code;
  }

  FakeGuide guide;
  MonotonicTime now{1h};
  Flow flow;
  Action last;
};

TEST(Flow, AsksTheBestNodeAndTakesItsAnswer) {
  Story story(OperationType::get);
  ASSERT_TRUE(story.sends(1, AttemptKind::read));
  story.reply(ErrorCode::ok);
  EXPECT_TRUE(story.ends(ErrorCode::ok));
}

TEST(Flow, AGetGoesToAnotherReplicaAfterItsAttempt) {
  Story story(OperationType::get);
  EXPECT_EQ(story.last.at, story.now + 1s);
  story.silence();
  ASSERT_TRUE(story.sends(2, AttemptKind::read));
  story.refused();
  ASSERT_TRUE(story.sends(3, AttemptKind::read));
  story.reply(ErrorCode::not_found);
  EXPECT_TRUE(story.ends(ErrorCode::not_found));
}

TEST(Flow, AGetAsksAgainAfterAPauseUntilItsDeadline) {
  Story story(OperationType::get);
  const MonotonicTime begin = story.now;
  int sends = 0;
  while (story.last.kind != Kind::finish) {
    if (story.last.kind == Kind::send) {
      ++sends;
      story.refused();
    } else {
      story.wake();
    }
  }
  EXPECT_TRUE(story.ends(ErrorCode::deadline_exceeded));
  EXPECT_EQ(story.now, begin + 10s);
  EXPECT_GT(sends, 30);
  EXPECT_LT(sends, 300) << "pauses grow";
}

TEST(Flow, AGetWhoseAnswerDidNotFitAsksForMoreRoomOnce) {
  Story story(OperationType::get);
  EXPECT_EQ(story.last.reply_bytes_max, 256u << 10);
  story.reply(ErrorCode::reply_too_large);
  ASSERT_TRUE(story.sends(1, AttemptKind::read));
  EXPECT_EQ(story.last.reply_bytes_max, 2u << 20);
  story.reply(ErrorCode::reply_too_large);
  EXPECT_TRUE(story.ends(ErrorCode::reply_too_large));
}

TEST(Flow, AWriteThatNeverLeftGoesElsewhereFreely) {
  Story story(OperationType::put);
  ASSERT_TRUE(story.sends(1, AttemptKind::submit));
  story.refused();
  ASSERT_TRUE(story.sends(2, AttemptKind::submit));
  story.reply(ErrorCode::ok);
  EXPECT_TRUE(story.ends(ErrorCode::ok));
  EXPECT_EQ(story.flow.result().version, story.flow.result().submission.operation);
}

TEST(Flow, EverySubmissionHasAnIdOfItsOwn) {
  Story story(OperationType::put);
  const Submission first = story.last.submission;
  story.reply(ErrorCode::shutting_down);
  ASSERT_TRUE(story.sends(2, AttemptKind::submit));
  EXPECT_NE(story.last.submission.operation, first.operation);
}

TEST(Flow, ASilentWriteIsResolvedElsewhereNeverRepeated) {
  Story story(OperationType::put);
  const Submission submitted = story.last.submission;
  story.silence();
  ASSERT_EQ(story.last.kind, Kind::send);
  EXPECT_EQ(story.last.attempt, AttemptKind::resolve);
  EXPECT_EQ(story.last.submission, submitted) << "the same id, the same window";
  story.resolved(Outcome::applied);
  EXPECT_TRUE(story.ends(ErrorCode::ok));
  EXPECT_EQ(story.flow.result().version, submitted.operation);
}

TEST(Flow, ResolvePrefersANodeThatWasNotSilent) {
  Story story(OperationType::put);
  story.silence();
  EXPECT_TRUE(story.sends(2, AttemptKind::resolve));
}

TEST(Flow, NeverAppliedIsSubmittedAsANewOperation) {
  Story story(OperationType::cas);
  const Submission submitted = story.last.submission;
  story.reply(ErrorCode::connection_reset, true, false);
  story.resolved(Outcome::never);
  ASSERT_EQ(story.last.kind, Kind::send);
  EXPECT_EQ(story.last.attempt, AttemptKind::submit);
  EXPECT_NE(story.last.submission.operation, submitted.operation);
  story.reply(ErrorCode::precondition_failed);
  EXPECT_TRUE(story.ends(ErrorCode::precondition_failed));
}

TEST(Flow, UnknownStaysUnknown) {
  Story story(OperationType::put);
  const Submission submitted = story.last.submission;
  story.silence();
  story.resolved(Outcome::unknown);
  ASSERT_TRUE(story.sends(3, AttemptKind::resolve)) << "another may know";
  story.resolved(Outcome::unknown);
  story.wake();
  ASSERT_TRUE(story.sends(1, AttemptKind::resolve));
  story.resolved(Outcome::unknown);
  EXPECT_TRUE(story.ends(ErrorCode::outcome_unknown));
  EXPECT_EQ(story.flow.result().submission, submitted) << "so that the caller can ask later";
}

TEST(Flow, AnUnknownAnswerIsResolvedToo) {
  Story story(OperationType::put);
  story.reply(ErrorCode::outcome_unknown);
  ASSERT_EQ(story.last.attempt, AttemptKind::resolve);
  story.resolved(Outcome::applied);
  EXPECT_TRUE(story.ends(ErrorCode::ok));
}

TEST(Flow, AWriteInDoubtEndsUnknownAtItsDeadline) {
  Story story(OperationType::put);
  const MonotonicTime begin = story.now;
  story.silence();
  while (story.last.kind != Kind::finish) {
    if (story.last.kind == Kind::send) {
      ASSERT_EQ(story.last.attempt, AttemptKind::resolve);
      story.silence();
    } else {
      story.wake();
    }
  }
  EXPECT_TRUE(story.ends(ErrorCode::outcome_unknown));
  EXPECT_LE(story.now, begin + 10s);
}

TEST(Flow, ASubmissionLeavesTimeToFindOut) {
  Story story(OperationType::put);
  EXPECT_EQ(story.last.at, story.now + 3s);
  FakeGuide guide;
  Flow brief(OperationType::put, "key", FlowOptions{}, guide);
  EXPECT_EQ(brief.start(story.now, story.now + 2s).at, story.now + 1500ms);
}

TEST(Flow, AStaleWindowIsRenewedAtTheSameNode) {
  Story story(OperationType::put);
  const Submission first = story.last.submission;
  story.guide.round_high = 500;
  story.reply(ErrorCode::window_stale);
  ASSERT_TRUE(story.sends(1, AttemptKind::submit));
  EXPECT_EQ(story.last.submission.window.round_high, 500u);
  EXPECT_NE(story.last.submission.operation, first.operation);
}

TEST(Flow, WindowsThatStayStaleSlowTheFlowDown) {
  Story story(OperationType::put);
  for (int i = 0; i < 3; ++i) {
    story.reply(ErrorCode::window_stale);
    ASSERT_EQ(story.last.kind, Kind::send);
  }
  story.reply(ErrorCode::window_stale);
  EXPECT_EQ(story.last.kind, Kind::wait);
}

TEST(Flow, OverloadIsWaitedOut) {
  Story story(OperationType::put);
  story.act(story.flow.on_reply({.end = {ErrorCode::overloaded, true, true}, .retry_after_ms = 250},
                                story.now));
  ASSERT_EQ(story.last.kind, Kind::wait);
  EXPECT_GE(story.last.at, story.now + 250ms);
  EXPECT_FALSE(story.last.on_node_up);
  story.wake();
  EXPECT_TRUE(story.sends(1, AttemptKind::submit));
}

TEST(Flow, AnotherTopologyIsAskedFor) {
  for (const ErrorCode code : {ErrorCode::wrong_epoch, ErrorCode::not_replica}) {
    Story story(OperationType::put);
    story.reply(code);
    ASSERT_EQ(story.last.kind, Kind::wait);
    EXPECT_TRUE(story.last.refresh);
    story.wake();
    EXPECT_FALSE(story.last.refresh) << "once";
  }
}

TEST(Flow, WhatOnlyTheCallerCanMendEndsAtOnce) {
  for (const ErrorCode code : {ErrorCode::bad_request, ErrorCode::unauthorised,
                               ErrorCode::value_too_large, ErrorCode::tenant_invalid}) {
    Story story(OperationType::put);
    story.reply(code);
    EXPECT_TRUE(story.ends(code));
  }
}

TEST(Flow, WaitsForANodeAndSaysWhyNoneCame) {
  Story story(OperationType::put);
  story.guide.up.clear();
  story.refused();
  ASSERT_EQ(story.last.kind, Kind::wait) << "one was there: it may come back";
  story.guide.up = {2};
  story.act(story.flow.on_wake(story.now));
  EXPECT_TRUE(story.sends(2, AttemptKind::submit));

  FakeGuide guide;
  guide.up.clear();
  guide.unreachable = {ErrorCode::connection_refused, "127.0.0.1:1"};
  FlowOptions options;
  options.connect_wait = 2s;
  Flow lonely(OperationType::get, "key", options, guide);
  const Action wait = lonely.start(story.now, story.now + 10s);
  ASSERT_EQ(wait.at, story.now + 2s);
  EXPECT_TRUE(wait.on_node_up);
  EXPECT_EQ(lonely.on_wake(wait.at).kind, Kind::finish);
  EXPECT_EQ(lonely.result().code, ErrorCode::connection_refused);
}

TEST(Flow, NoQuorumIsSaidAtTheDeadline) {
  Story story(OperationType::put);
  while (story.last.kind != Kind::finish) {
    if (story.last.kind == Kind::send) {
      story.reply(ErrorCode::no_quorum);
    } else {
      story.wake();
    }
  }
  EXPECT_TRUE(story.ends(ErrorCode::no_quorum));
}

TEST(Flow, CancelSaysWhetherAnythingLeft) {
  {
    Story story(OperationType::put);
    story.flow.cancel(story.now);
    story.reply(ErrorCode::cancelled, false, false);
    EXPECT_TRUE(story.ends(ErrorCode::cancelled));
  }
  {
    Story story(OperationType::put);
    story.flow.cancel(story.now);
    story.reply(ErrorCode::cancelled, true, false);
    EXPECT_TRUE(story.ends(ErrorCode::outcome_unknown));
  }
  {
    Story story(OperationType::get);
    story.flow.cancel(story.now);
    story.reply(ErrorCode::cancelled, true, false);
    EXPECT_TRUE(story.ends(ErrorCode::cancelled));
  }
  {
    Story story(OperationType::put);
    story.flow.cancel(story.now);
    story.reply(ErrorCode::ok);  // the answer was faster
    EXPECT_TRUE(story.ends(ErrorCode::ok));
  }
  {
    Story story(OperationType::put);
    story.silence();
    story.flow.cancel(story.now);
    story.resolved(Outcome::never);
    EXPECT_TRUE(story.ends(ErrorCode::cancelled));
  }
}

TEST(Flow, AResolveOfTheCallerAsksUntilSomeoneAnswers) {
  const Submission question{{{1, 1}, 77}, {1, {}, 64}};
  Story story(OperationType::resolve, question);
  ASSERT_TRUE(story.sends(1, AttemptKind::resolve));
  EXPECT_EQ(story.last.submission, question);
  story.silence();
  ASSERT_TRUE(story.sends(2, AttemptKind::resolve));
  story.resolved(Outcome::never);
  ASSERT_TRUE(story.ends(ErrorCode::ok));
  EXPECT_EQ(story.flow.result().resolution, Outcome::never);
}

// Whatever the nodes answer, in whatever order: a flow ends by its deadline; no id is submitted
// twice; nothing is submitted while an earlier submission is in doubt; and "not applied" is never
// said of a submission that a node may have applied.
TEST(Flow, RandomStoriesKeepThePromises) {
  const std::vector<ErrorCode> codes = {ErrorCode::ok,
                                        ErrorCode::outcome_unknown,
                                        ErrorCode::no_quorum,
                                        ErrorCode::overloaded,
                                        ErrorCode::window_stale,
                                        ErrorCode::wrong_epoch,
                                        ErrorCode::not_replica,
                                        ErrorCode::precondition_failed,
                                        ErrorCode::cancelled,
                                        ErrorCode::storage_io,
                                        ErrorCode::shutting_down,
                                        ErrorCode::deadline_exceeded,
                                        ErrorCode::going_away,
                                        static_cast<ErrorCode>(9999),
                                        ErrorCode::reply_too_large,
                                        ErrorCode::not_all_replicas};
  Random random(5);
  for (int i = 0; i < 5'000; ++i) {
    Story story(random.chance(0.5) ? OperationType::put : OperationType::cas);
    const MonotonicTime begin = story.now;
    std::map<std::uint64_t, Outcome> truth;  // of each submission; unknown until a node says
    std::uint64_t open = 0;                  // in doubt
    while (story.last.kind != Kind::finish) {
      if (story.last.kind == Kind::wait) {
        story.guide.up = random.chance(0.8) ? std::vector<NodeId>{1, 2, 3} : std::vector<NodeId>{};
        story.wake();
        continue;
      }
      const std::uint64_t id = story.last.submission.operation.sequence;
      const bool is_submit = story.last.attempt == AttemptKind::submit;
      if (is_submit) {
        ASSERT_EQ(open, 0u) << "submitted while in doubt";
        ASSERT_FALSE(truth.contains(id)) << "submitted twice";
        truth[id] = Outcome::unknown;
      } else {
        ASSERT_EQ(id, open);
      }
      story.now += random.between(Duration{}, story.last.at - story.now);
      if (random.chance(0.3)) {
        const bool sent = random.chance(0.5);
        if (is_submit && sent) open = id;
        story.reply(ErrorCode::connection_reset, sent, false);
      } else if (!is_submit && random.chance(0.5)) {
        const auto outcome = static_cast<Outcome>(random.below(3));
        if (outcome == Outcome::never) open = 0;
        truth[id] = outcome;
        story.resolved(outcome);
      } else {
        const ErrorCode code = codes[random.below(codes.size())];
        const Meaning meaning =
            meaning_of(is_submit ? AttemptKind::submit : AttemptKind::resolve, {code, true, true});
        if (!is_submit && meaning == Meaning::success) continue;  // has an outcome: above
        if (meaning == Meaning::in_doubt) open = id;
        story.reply(code);
      }
    }
    ASSERT_LE(story.now, begin + 10s);
    const ErrorCode end = story.flow.result().code;
    if (open != 0 && truth[open] != Outcome::applied) {
      ASSERT_EQ(end, ErrorCode::outcome_unknown);
      ASSERT_EQ(story.flow.result().submission.operation.sequence, open);
    }
    if (end == ErrorCode::outcome_unknown) {
      ASSERT_NE(open, 0u);
    }
  }
}

}  // namespace
}  // namespace grey::client
