#include "rpc/channel.h"

#include <utility>

namespace grey::rpc {
namespace {

// A connection that lasted this long was a good one: the next attempt after it comes quickly.
constexpr Duration stable_after = std::chrono::seconds(1);

bool is_storage_error(ErrorCode code) {
  return code >= ErrorCode::storage_io && code < ErrorCode::config_syntax;
}

// What a call's end says about the destination.
breaker::Outcome outcome_of(const Reply& reply) {
  switch (reply.code) {
    case ErrorCode::overloaded:
      return reply.answered ? breaker::Outcome::overloaded : breaker::Outcome::unknown;
    case ErrorCode::cancelled:
    case ErrorCode::going_away:
    case ErrorCode::shutting_down:
    case ErrorCode::closed_locally:
    case ErrorCode::value_too_large:
      return breaker::Outcome::unknown;
    case ErrorCode::deadline_exceeded:
      return reply.answered ? breaker::Outcome::unknown : breaker::Outcome::failure;
    default:
      if (!reply.answered || is_storage_error(reply.code)) return breaker::Outcome::failure;
      return breaker::Outcome::success;
  }
}

}  // namespace

class Channel::Impl final : public ConnectionEvents {
 public:
  Impl(transport::Transport& transport, ChannelOptions options, breaker::CircuitBreaker* breaker,
       RequestHandler* handler, ChannelObserver* observer)
      : transport_(transport),
        options_(std::move(options)),
        breaker_(breaker),
        handler_(handler),
        observer_(observer),
        random_(options_.seed),
        backoff_(options_.backoff) {
    options_.session.role = protocol::SessionRole::initiator;
    state_.since = transport_.now();
    renew_connection();
  }
  ~Impl() override { transport_.cancel(timer_); }

  void start() {
    if (state_.phase == Phase::idle) attempt();
  }
  void drain(MonotonicTime deadline);
  void connect_now();
  CallId call(const CallOptions& options, const protocol::Body& body, CallSink& sink,
              std::uint64_t cookie);
  bool cancel(CallId id) { return connection_->cancel(id); }
  Status send_oneway(const protocol::OnewayOptions& options, const protocol::Body& body);
  const ChannelState& state() const noexcept { return state_; }
  const Connection& connection() const noexcept { return *connection_; }

 private:
  using Phase = ChannelState::Phase;

  void on_established(const protocol::PeerInfo& peer) override;
  void on_pong(Duration round_trip) override;
  void on_goaway(ErrorCode code, std::string_view detail) override;
  void on_call_done(const breaker::Permit& permit, const Reply& reply) override;
  void on_closing(const Error& reason) override;
  void on_closed(const Error& reason) override;

  void renew_connection();
  void attempt();
  void change_to(Phase phase);
  /// The last thing a callback does: the observer may destroy the channel.
  void notify() {
    if (observer_ != nullptr) observer_->on_channel_state(state_);
  }
  Error why_not() const;

  transport::Transport& transport_;
  ChannelOptions options_;
  breaker::CircuitBreaker* const breaker_;
  RequestHandler* const handler_;
  ChannelObserver* const observer_;
  Random random_;
  breaker::Backoff backoff_;
  ChannelState state_;
  bool is_stopping_ = false;
  MonotonicTime established_at_ = never;
  transport::TimerId timer_ = 0;  // of the back-off
  std::unique_ptr<transport::ConnectAttempt> attempt_;
  std::unique_ptr<Connection> connection_;  // the current, or the last one
};

void Channel::Impl::renew_connection() {
  protocol::SessionConfig session = options_.session;
  session.random = options_.random();
  if (connection_ != nullptr) {
    options_.connection.first_call_number = connection_->next_call_number();
  }
  connection_ = std::make_unique<Connection>(transport_, std::move(session), options_.connection,
                                             *this, handler_);
}

void Channel::Impl::change_to(Phase phase) {
  if (state_.phase == Phase::connected) state_.last_connected = transport_.now();
  state_.phase = phase;
  state_.since = transport_.now();
}

void Channel::Impl::attempt() {
  timer_ = 0;
  is_stopping_ = false;
  established_at_ = never;
  change_to(Phase::connecting);
  renew_connection();
  attempt_ = transport_.connect(options_.endpoint, transport_.now() + options_.connect_timeout,
                                [this](Result<std::unique_ptr<transport::Stream>> connected) {
                                  if (!connected) {
                                    return connection_->fail_before_start(connected.error());
                                  }
                                  connection_->start(std::move(*connected));
                                });
}

void Channel::Impl::on_established(const protocol::PeerInfo&) {
  change_to(Phase::connected);
  ++state_.connections;
  established_at_ = state_.last_connected = transport_.now();
  if (breaker_ != nullptr) breaker_->on_reachable(transport_.now());
  notify();
}

void Channel::Impl::on_pong(Duration round_trip) {
  state_.round_trip = round_trip;
  if (breaker_ != nullptr) breaker_->on_reachable(transport_.now());
}

// No calls can be made any more; those outstanding are still answered before the peer closes.
void Channel::Impl::on_goaway(ErrorCode code, std::string_view detail) {
  state_.last_error = {code, Bytes(detail)};
  change_to(Phase::backing_off);
  notify();
}

void Channel::Impl::on_call_done(const breaker::Permit& permit, const Reply& reply) {
  if (breaker_ != nullptr) {
    breaker_->on_result(permit, outcome_of(reply), transport_.now(), random_);
  }
}

void Channel::Impl::on_closing(const Error& reason) {
  state_.last_error = reason;
  change_to(Phase::backing_off);
  notify();
}

void Channel::Impl::on_closed(const Error&) {
  const MonotonicTime now = transport_.now();
  if (established_at_ != never && now - established_at_ >= stable_after) backoff_.reset();
  attempt_.reset();
  if (is_stopping_) {
    change_to(Phase::idle);
    return notify();
  }
  const std::optional<Duration> delay = backoff_.next(random_);
  if (!delay) {
    change_to(Phase::idle);
    return notify();
  }
  timer_ = transport_.schedule_at(now + *delay, [this] {
    attempt();
    notify();
  });
}

void Channel::Impl::connect_now() {
  if (timer_ == 0) return;
  transport_.cancel(std::exchange(timer_, 0));
  attempt();
}

void Channel::Impl::drain(MonotonicTime deadline) {
  if (state_.phase == Phase::idle) return;
  is_stopping_ = true;
  if (timer_ != 0) {
    transport_.cancel(std::exchange(timer_, 0));
    return change_to(Phase::idle);
  }
  attempt_.reset();
  connection_->drain(deadline);
}

Error Channel::Impl::why_not() const {
  if (is_stopping_ || state_.phase == Phase::idle) {
    return {ErrorCode::closed_locally, "the channel is not running"};
  }
  if (state_.last_error) return state_.last_error;
  return {ErrorCode::connection_refused, "not connected yet"};
}

CallId Channel::Impl::call(const CallOptions& options, const protocol::Body& body, CallSink& sink,
                           std::uint64_t cookie) {
  const bool may_wait = state_.phase == Phase::connecting && options_.wait_while_connecting;
  if ((state_.phase != Phase::connected && !may_wait) || is_stopping_) {
    return connection_->refuse_call(why_not(), sink, cookie);
  }
  breaker::Permit permit;
  if (breaker_ != nullptr) {
    std::optional<breaker::Permit> given = breaker_->try_acquire(transport_.now());
    if (!given && options.bypass_breaker) given = breaker_->bypass();
    if (!given) return connection_->refuse_call({ErrorCode::breaker_open, {}}, sink, cookie);
    permit = *given;
  }
  return connection_->call(options, body, sink, cookie, permit);
}

Status Channel::Impl::send_oneway(const protocol::OnewayOptions& options,
                                  const protocol::Body& body) {
  if (state_.phase != Phase::connected) return std::unexpected(why_not());
  return connection_->send_oneway(options, body);
}

Channel::Channel(transport::Transport& transport, ChannelOptions options,
                 breaker::CircuitBreaker* breaker, RequestHandler* handler,
                 ChannelObserver* observer)
    : impl_(std::make_unique<Impl>(transport, std::move(options), breaker, handler, observer)) {}
Channel::~Channel() = default;

void Channel::start() { impl_->start(); }
void Channel::drain(MonotonicTime deadline) { impl_->drain(deadline); }
void Channel::connect_now() { impl_->connect_now(); }
CallId Channel::call(const CallOptions& options, const protocol::Body& body, CallSink& sink,
                     std::uint64_t cookie) {
  return impl_->call(options, body, sink, cookie);
}
CallId Channel::call(const CallOptions& options, const protocol::Body& body, CallFunction done) {
  return impl_->call(options, body, sink_of(std::move(done)), 0);
}
bool Channel::cancel(CallId id) { return impl_->cancel(id); }
Status Channel::send_oneway(const protocol::OnewayOptions& options, const protocol::Body& body) {
  return impl_->send_oneway(options, body);
}
const ChannelState& Channel::state() const noexcept { return impl_->state(); }
std::size_t Channel::calls_outstanding() const noexcept {
  return impl_->connection().calls_outstanding();
}
const protocol::PeerInfo& Channel::peer() const noexcept { return impl_->connection().peer(); }

}  // namespace grey::rpc
