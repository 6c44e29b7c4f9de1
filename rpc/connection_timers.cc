// One timer for everything that a connection waits for. It is set again only when something comes
// due earlier; when it runs, what has been settled meanwhile is simply found not to be due. After
// it has run nothing is due any more: a timer that is set for the past again and again keeps
// everything else from running.
#include <algorithm>
#include <utility>

#include "rpc/connection_core.h"

namespace grey::rpc {

MonotonicTime ConnectionCore::next_deadline() const noexcept {
  MonotonicTime next = close_deadline_;
  if (sending_ && !stream_closing_) {
    next = std::min(next, send_started_ + options_.write_stall_timeout);
  }
  if (state_ >= State::closing) return next;
  next = std::min({next, session_.next_deadline(), deadlines_.next(), next_ping_});
  if (silent_since_ != never) next = std::min(next, silent_since_ + options_.liveness_timeout);
  return next;
}

void ConnectionCore::arm(MonotonicTime at) {
  if (at >= armed_at_ || disposed_ || state_ == State::closed) return;
  if (timer_ != 0) executor_.cancel(timer_);
  armed_at_ = at;
  timer_ = executor_.schedule_at(at, [this] { on_timer(); });
}

void ConnectionCore::on_timer() {
  Scope scope(*this);
  const Duration late = now_.now - std::exchange(armed_at_, never);
  timer_ = 0;
  if (state_ < State::closing) session_.tick(now_);
  if (state_ < State::closing) expire_calls();
  if (disposed_) return;
  if (state_ == State::open) {
    check_liveness(late);
    send_ping();
  }
  if (sending_ && now_.now >= send_started_ + options_.write_stall_timeout) {
    close({ErrorCode::write_stalled, {}});
    if (!stream_over_ && !stream_closing_) close_stream();
  }
  if (now_.now >= close_deadline_) {
    if (state_ == State::open)
      close({ErrorCode::shutting_down, "the drain did not end in time"});
    else if (stream_ != nullptr && !stream_over_ && !stream_closing_)
      close_stream();
    // What is left is the stream's last word and a turn: no timer hurries them.
    if (state_ == State::closing && (stream_closing_ || stream_over_)) close_deadline_ = never;
  }
  post_turn();
  arm(next_deadline());
}

void ConnectionCore::check_liveness(Duration late) {
  if (silent_since_ == never || now_.now < silent_since_ + options_.liveness_timeout) return;
  if (late > options_.liveness_timeout / 2) {
    // This process did not run: what the peer sent may be waiting to be read. Give it a new chance.
    silent_since_ = now_.now;
    return;
  }
  close({ErrorCode::idle_timeout, "no answer to PING"});
}

void ConnectionCore::send_ping() {
  if (state_ != State::open || now_.now < next_ping_) return;
  next_ping_ = now_.now + options_.ping_interval;
  if (!session_.ping(ping_nonce_ + 1, now_)) return;
  ++ping_nonce_;
  ping_sent_ = now_.now;
  if (silent_since_ == never) silent_since_ = now_.now;
}

}  // namespace grey::rpc
