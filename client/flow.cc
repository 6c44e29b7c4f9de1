#include "client/flow.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace grey::client {
namespace {
// Windows are renewed without a pause this often in a row; then the flow slows down.
constexpr std::uint32_t rewindows_at_once_max = 3;
// A node says "unknown" also when it had too little time or too few replicas, so others are asked.
constexpr std::uint32_t unknowns_max = 3;
}  // namespace

Flow::Flow(OperationType type, Bytes key, const FlowOptions& options, Guide& guide,
           const Submission& question)
    : type_(type),
      key_(std::move(key)),
      options_(options),
      guide_(guide),
      reply_bytes_max_(options.reply_bytes_first) {
  if (type_ == OperationType::resolve) doubt_ = question;
}

Action Flow::start(MonotonicTime now, MonotonicTime deadline) {
  GREY_CHECK(phase_ == Phase::idle);
  deadline_ = deadline;
  give_up_connecting_ = std::min(deadline, now + options_.connect_wait);
  return next(now);
}

Action Flow::next(MonotonicTime now) {
  guide_.candidates(key_, now, candidates_);
  const bool never_asked = candidates_.empty() && result_.attempts == 0;
  if (now >= deadline_ && !never_asked) return expire();
  if (candidates_.empty()) return wait_for_nodes(now);
  for (const NodeId node : candidates_) {
    if (!is_tried(node)) return send(node, now);
  }
  return pause(now, {});
}

Action Flow::send(NodeId node, MonotonicTime now) {
  Action action{.kind = Action::Kind::send, .node = node, .submission = {}};
  if (doubt_) {
    attempt_ = AttemptKind::resolve;
    action.submission = *doubt_;
    action.at = std::min(deadline_, now + options_.resolve_attempt);
  } else if (type_ == OperationType::get) {
    attempt_ = AttemptKind::read;
    action.reply_bytes_max = reply_bytes_max_;
    action.at = std::min(deadline_, now + options_.read_attempt);
  } else {
    attempt_ = AttemptKind::submit;
    result_.submission = {guide_.next_operation(), guide_.window(key_)};
    action.submission = result_.submission;
    const Duration reserve = std::min(options_.resolve_reserve, (deadline_ - now) / 4);
    action.at = std::min(deadline_ - reserve, now + options_.submit_attempt);
  }
  action.attempt = attempt_;
  action.refresh = std::exchange(refresh_, false);
  node_ = node;
  phase_ = Phase::sent;
  ++result_.attempts;
  return action;
}

Action Flow::on_reply(const FlowReply& reply, MonotonicTime now) {
  GREY_CHECK(phase_ == Phase::sent);
  phase_ = Phase::waiting;
  const Meaning meaning = meaning_of(attempt_, reply.end);
  if (meaning == Meaning::success) return on_success(reply, now);
  if (meaning == Meaning::failure) {
    result_.version = reply.version;
    return finish(reply.end.code, std::string(reply.detail));
  }
  last_error_ = {reply.end.code, std::string(reply.detail)};
  if (meaning == Meaning::in_doubt) {
    doubt_ = result_.submission;
    tried_.clear();
    passes_ = 0;
  }
  if (cancelled_) return cancel(now);
  switch (meaning) {
    case Meaning::larger_reply:
      // If even the largest does not fit, the limits disagree: nothing helps.
      if (reply_bytes_max_ >= guide_.reply_bytes_full()) return finish(reply.end.code);
      reply_bytes_max_ = guide_.reply_bytes_full();
      return next(now);
    case Meaning::rewindow:
      if (++rewindows_ <= rewindows_at_once_max) return next(now);
      return pause(now, {});
    case Meaning::refresh:
      refresh_ = true;
      tried_.push_back(node_);
      return pause(now, {});
    case Meaning::later:
      return pause(now, std::chrono::milliseconds(reply.retry_after_ms));
    default:
      tried_.push_back(node_);
      return next(now);
  }
}

Action Flow::on_success(const FlowReply& reply, MonotonicTime now) {
  using Outcome = protocol::ResolveReply::Outcome;
  result_.version = reply.version;
  if (attempt_ != AttemptKind::resolve) {
    if (type_ == OperationType::put || type_ == OperationType::cas) {
      result_.version = result_.submission.operation;
    }
    return finish(ErrorCode::ok);
  }
  result_.resolution = reply.resolution;
  if (reply.resolution == Outcome::unknown && ++unknowns_ < unknowns_max && !cancelled_) {
    last_error_ = {ErrorCode::outcome_unknown, {}};
    tried_.push_back(node_);
    return next(now);
  }
  if (type_ == OperationType::resolve) {
    result_.submission = *std::exchange(doubt_, std::nullopt);
    return finish(ErrorCode::ok);
  }
  switch (reply.resolution) {
    case Outcome::applied:
      result_.version = doubt_->operation;
      doubt_.reset();
      return finish(ErrorCode::ok);
    case Outcome::never:
      doubt_.reset();
      tried_.clear();
      return cancelled_ ? finish(ErrorCode::cancelled) : next(now);
    case Outcome::unknown:
      break;
  }
  return finish(ErrorCode::outcome_unknown, "the nodes that were asked could not tell");
}

Action Flow::on_wake(MonotonicTime now) {
  GREY_CHECK(phase_ == Phase::waiting);
  return next(now);
}

Action Flow::cancel(MonotonicTime) {
  cancelled_ = true;
  if (phase_ == Phase::sent) return {.submission = {}, .at = deadline_};
  const bool in_doubt = doubt_ && type_ != OperationType::resolve;
  return finish(in_doubt ? ErrorCode::outcome_unknown : ErrorCode::cancelled);
}

Action Flow::pause(MonotonicTime now, Duration at_least) {
  tried_.clear();
  const Duration ceiling =
      std::min(options_.pause_max, options_.pause_first * (1 << std::min(passes_, 8u)));
  ++passes_;
  const Duration jittered = guide_.random().between(ceiling / 2, ceiling);
  phase_ = Phase::waiting;
  return {.submission = {},
          .at = std::min(deadline_, now + std::max(at_least, jittered)),
          .refresh = std::exchange(refresh_, false)};
}

Action Flow::wait_for_nodes(MonotonicTime now) {
  if (result_.attempts == 0 && now >= give_up_connecting_) {
    Error why = guide_.why_unreachable();
    if (!why) why = {ErrorCode::deadline_exceeded, "no node could be reached"};
    return finish(why.code, std::move(why.detail));
  }
  tried_.clear();
  phase_ = Phase::waiting;
  return {.submission = {},
          .at = result_.attempts == 0 ? give_up_connecting_ : deadline_,
          .on_node_up = true};
}

Action Flow::expire() {
  if (doubt_ && type_ != OperationType::resolve) {
    return finish(ErrorCode::outcome_unknown,
                  "no node could tell before the deadline; last: " + last_error_.message());
  }
  // What kept the operation from running, where that says more than that time ran out.
  switch (last_error_.code) {
    case ErrorCode::no_quorum:
    case ErrorCode::overloaded:
      return finish(last_error_.code, last_error_.detail);
    default:
      break;
  }
  if (!last_error_) last_error_ = guide_.why_unreachable();
  return finish(ErrorCode::deadline_exceeded,
                last_error_ ? "last: " + last_error_.message() : std::string());
}

Action Flow::finish(ErrorCode code, std::string detail) {
  if (doubt_) result_.submission = *doubt_;
  result_.code = code;
  result_.detail = std::move(detail);
  phase_ = Phase::over;
  return {.kind = Action::Kind::finish, .submission = {}};
}

bool Flow::is_tried(NodeId node) const noexcept {
  return std::find(tried_.begin(), tried_.end(), node) != tried_.end();
}

}  // namespace grey::client
