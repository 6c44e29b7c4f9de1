#include "rpc/connection_core.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace grey::rpc {

ConnectionCore::ConnectionCore(transport::Executor& executor, protocol::SessionConfig session,
                               ConnectionOptions options, ConnectionEvents& events,
                               RequestHandler* handler)
    : executor_(executor),
      options_(options),
      events_(&events),
      handler_(handler),
      gate_(new ConnectionGate{.core = this}),
      session_(session, *this),
      calls_(options.first_call_number),
      waiting_bytes_max_(session.queue_bytes_max),
      waiting_max_(session.queue_messages_max) {
  for (std::size_t lane = 0; lane < protocol::lane_count; ++lane) {
    lane_window_bytes_[lane] = session.lanes[lane].credit_bytes;
  }
  // An acceptor learns the lane from HELLO: until then it holds room for the widest.
  window_bytes_ = session.role == protocol::SessionRole::initiator
                      ? lane_window_bytes_[static_cast<std::size_t>(session.lane)]
                      : std::ranges::max(lane_window_bytes_);
}

void ConnectionCore::dispose() {
  Scope scope(*this);
  disposed_ = true;
  events_ = nullptr;
  handler_ = nullptr;
  gate_.close();
  executor_.cancel(std::exchange(timer_, 0));
  if (state_ < State::closing) {
    close_reason_ = {ErrorCode::closed_locally, {}};
    session_.abort(close_reason_, now_);
  }
  state_ = State::closed;
  stream_.reset();
  end_all_requests();
  end_all_calls();
  complete_ended();
  window_room_.release();
  unsent_answers_.release();
}

protocol::Instant ConnectionCore::instant() const {
  if (depth_ > 0) return now_;
  return {executor_.now(), executor_.unix_time_ns()};
}

void ConnectionCore::start(std::unique_ptr<transport::Stream> stream) {
  if (state_ >= State::closing) return;
  GREY_CHECK(state_ == State::idle);
  state_ = State::handshaking;
  stream_ = std::move(stream);
  stream_->start(*this);
  session_.start(instant());
  if (options_.budget != nullptr) {
    window_room_ = {*options_.budget, flowcontrol::Pool::ingress, window_bytes_};
    if (!window_room_.is_held()) {
      return close({ErrorCode::too_many_connections, "no memory is left for a receive window"});
    }
  }
  post_turn();
  arm(next_deadline());
}

void ConnectionCore::fail_before_start(const Error& reason) {
  GREY_CHECK(stream_ == nullptr);
  begin_closing(reason);
}

void ConnectionCore::close(const Error& reason) {
  if (state_ >= State::closing) return;
  session_.abort(reason, instant());
  begin_closing(reason);
}

void ConnectionCore::begin_closing(const Error& reason) {
  if (state_ >= State::closing) return;
  state_ = State::closing;
  // After a drain the peer's closing is what was asked for.
  close_reason_ = send_ended_ ? Error{ErrorCode::closed_locally, "drained"} : reason;
  close_deadline_ = instant().now + options_.linger_timeout;
  if (stream_ == nullptr) stream_over_ = true;
  post_turn();
  arm(close_deadline_);
}

void ConnectionCore::post_turn() {
  if (turn_posted_ || disposed_) return;
  turn_posted_ = true;
  executor_.post([gate = gate_] {
    if (ConnectionCore* core = gate.core()) core->turn();
  });
}

void ConnectionCore::turn() {
  Scope scope(*this);
  turn_posted_ = false;
  if (state_ == State::closing && !settled_) settle();
  complete_ended();
  if (disposed_) return;
  flush();
  continue_drain();
  if (state_ == State::closing && settled_ && stream_over_ && ended_.empty()) {
    state_ = State::closed;
    executor_.cancel(std::exchange(timer_, 0));
    stream_.reset();
    window_room_.release();
    unsent_answers_.release();
    return events_->on_closed(close_reason_);
  }
  arm(next_deadline());
}

void ConnectionCore::settle() {
  settled_ = true;
  end_all_calls();
  end_all_requests();
  if (events_ != nullptr) events_->on_closing(close_reason_);
}

void ConnectionCore::flush() {
  if (stream_ == nullptr || sending_ || stream_over_ || stream_closing_) return;
  if (!send_ended_ && session_.has_output()) {
    SendBatch batch = std::exchange(spare_, {});
    session_.take_output(batch, instant());
    if (!batch.empty()) {
      sending_ = true;
      in_flight_bytes_ = batch.size();
      send_started_ = instant().now;
      return stream_->send(std::move(batch));
    }
    spare_ = std::move(batch);
  }
  if (state_ == State::closing) close_stream();
}

void ConnectionCore::close_stream() {
  stream_closing_ = true;
  stream_->close();
}

void ConnectionCore::drain(MonotonicTime deadline, ErrorCode code) {
  if (state_ < State::open) return close({code, {}});
  if (state_ > State::open || draining_) return;
  draining_ = true;
  close_deadline_ = deadline;
  session_.goaway(code, {}, instant());
  // What the peer sent before it heard of this comes before the answer to this PING.
  if (!session_.ping(drain_nonce, instant())) peer_knows_ = true;
  post_turn();
}

void ConnectionCore::continue_drain() {
  if (!draining_ || state_ != State::open || send_ended_) return;
  if (!peer_knows_ || sending_ || !session_.drained()) return;
  send_ended_ = true;
  close_deadline_ = std::min(close_deadline_, instant().now + options_.linger_timeout);
  stream_->shutdown_send();
}

void ConnectionCore::on_receive(std::string_view bytes) {
  Scope scope(*this);
  silent_since_ = never;
  session_.receive(bytes, now_);
  // Credit, answers and control messages may have become output; a turn takes all of them.
  post_turn();
}

void ConnectionCore::on_receive_end() {
  Scope scope(*this);
  session_.receive_end(now_);
}

void ConnectionCore::on_sent(SendBatch batch) {
  Scope scope(*this);
  sending_ = false;
  in_flight_bytes_ = 0;
  spare_ = std::move(batch);
  flush();
  return_held();
  if (draining_) post_turn();
}

void ConnectionCore::on_closed(const Error& reason) {
  Scope scope(*this);
  stream_over_ = true;
  sending_ = false;
  if (state_ < State::closing) session_.abort(reason, now_);
  begin_closing(reason);
  post_turn();
}

void ConnectionCore::failed(const Error& error) { begin_closing(error); }

void ConnectionCore::established(const protocol::PeerInfo& peer) {
  state_ = State::open;
  window_room_.shrink_to(lane_window_bytes_[static_cast<std::size_t>(peer.lane)]);
  if (options_.ping_interval > Duration{}) next_ping_ = now_.now + options_.ping_interval;
  submit_waiting();
  if (events_ != nullptr) events_->on_established(peer);
}

void ConnectionCore::pong(std::uint64_t nonce) {
  if (nonce == drain_nonce) {
    peer_knows_ = true;
  } else if (nonce == ping_nonce_ && events_ != nullptr) {
    events_->on_pong(now_.now - ping_sent_);
  }
}

void ConnectionCore::goaway(const protocol::GoAway& goaway) {
  end_unsent_calls({goaway.code, Bytes(goaway.detail)});
  if (events_ != nullptr) events_->on_goaway(goaway.code, goaway.detail);
}

std::string ConnectionCore::peer_address() const {
  return stream_ == nullptr ? std::string() : stream_->peer_address();
}

}  // namespace grey::rpc
