// The inside of Connection, split over connection_*.cc by what a part does: life and pumping
// (connection_core.cc), timers (connection_timers.cc), our calls (connection_calls.cc), the peer's
// requests (connection_requests.cc). Not for use outside this module.
//
// It outlives its Connection while one of its own callbacks is on the stack. What the owner is told
// comes from the stream's events, the timer, or turn(), which is posted once per turn of the loop:
// never from inside a method that the owner calls.
#pragma once
#include <deque>

#include "rpc/connection.h"
#include "rpc/deadline_wheel.h"
#include "rpc/incoming_requests.h"
#include "rpc/pending_calls.h"

namespace grey::rpc {

/// What outlives a connection for the sake of those who still refer to it.
class ConnectionGate {
 public:
  ConnectionCore* core = nullptr;
  std::uint32_t references = 0;
};

class ConnectionCore final : transport::StreamHandler, protocol::SessionEvents {
 public:
  ConnectionCore(transport::Executor& executor, protocol::SessionConfig session,
                 ConnectionOptions options, ConnectionEvents& events, RequestHandler* handler);
  /// Ends everything; deletes this, now or when the callback on the stack returns.
  void dispose();

  void start(std::unique_ptr<transport::Stream> stream);
  void fail_before_start(const Error& reason);
  CallId call(const CallOptions& options, const protocol::Body& body, CallSink& sink,
              std::uint64_t cookie, const breaker::Permit& permit);
  CallId refuse_call(const Error& why, CallSink& sink, std::uint64_t cookie);
  bool cancel(CallId id);
  Status send_oneway(const protocol::OnewayOptions& options, const protocol::Body& body);
  void drain(MonotonicTime deadline, ErrorCode code);
  void close(const Error& reason);

  Status answer(std::uint32_t slot, std::uint32_t generation,
                const protocol::ResponseOptions& options, const protocol::Body& body);
  PeerRequest* find_request(std::uint32_t slot, std::uint32_t generation) noexcept {
    return is_open() ? requests_.find(slot, generation) : nullptr;
  }

  bool is_open() const noexcept { return state_ == State::open; }
  std::size_t calls_outstanding() const noexcept { return calls_.size(); }
  std::size_t requests_unanswered() const noexcept { return requests_.size(); }
  const protocol::PeerInfo& peer() const noexcept { return session_.peer(); }
  std::string peer_address() const;
  protocol::SessionStats stats() const { return session_.stats(); }
  std::uint64_t next_call_number() const noexcept { return calls_.next_number(); }

 private:
  static constexpr std::uint64_t drain_nonce = ~std::uint64_t{0};
  enum class State : std::uint8_t { idle, handshaking, open, closing, closed };
  /// Keeps this alive, and its idea of the time fixed, while a callback is on the stack.
  class Scope;
  struct WaitingCall;
  struct Ending {
    CallId id;
    bool sent;
    Error error;
  };

  ~ConnectionCore() override = default;

  // transport::StreamHandler
  void on_receive(std::string_view bytes) override;
  void on_receive_end() override;
  void on_sent(SendBatch batch) override;
  void on_closed(const Error& reason) override;

  // protocol::SessionEvents
  void established(const protocol::PeerInfo& peer) override;
  void request(const protocol::RequestView& request, protocol::ReplyTo reply_to,
               protocol::CreditToken token, const SharedBytes& chunked) override;
  void oneway(const protocol::OnewayView& oneway, protocol::CreditToken token,
              const SharedBytes& chunked) override;
  void response(const protocol::ResponseView& response, std::uint64_t context,
                const SharedBytes& chunked) override;
  void cancel(std::uint64_t request_id, ErrorCode code) override;
  void pong(std::uint64_t nonce) override;
  void goaway(const protocol::GoAway& goaway) override;
  void send_possible() override {}
  bool admit(std::uint64_t bytes) override;
  void unadmit(std::uint64_t bytes) override;
  void failed(const Error& error) override;

  // connection_core.cc
  protocol::Instant instant() const;
  void post_turn();
  void turn();
  void flush();
  void begin_closing(const Error& reason);
  void settle();
  void close_stream();
  void continue_drain();

  // connection_timers.cc
  void arm(MonotonicTime at);
  void on_timer();
  MonotonicTime next_deadline() const noexcept;
  void check_liveness(Duration late);
  void send_ping();

  // connection_calls.cc
  void submit(PendingCall& call, const CallOptions& options, const protocol::Body& body);
  bool withdraw(const PendingCall& call, ErrorCode why);
  void end_call(PendingCall& call, Error error, bool sent);
  void submit_waiting();
  void complete_ended();
  void complete(PendingCall& call, const Reply& reply);
  void expire_calls();
  void end_unsent_calls(const Error& reason);
  void end_all_calls();

  // connection_requests.cc
  void finish_request(std::uint32_t slot, flowcontrol::Reservation rest);
  void refuse_request(protocol::ReplyTo to, protocol::CreditToken token,
                      const protocol::ResponseOptions& options);
  bool reserve_answer(flowcontrol::Reservation& room, std::uint64_t bytes);
  void return_held();
  void end_all_requests();
  std::uint64_t unread_output_bytes() const noexcept {
    return session_.unread_output_bytes() + in_flight_bytes_;
  }

  transport::Executor& executor_;
  ConnectionOptions options_;
  ConnectionEvents* events_;
  RequestHandler* handler_;
  GateRef gate_;
  State state_ = State::idle;
  protocol::Session session_;
  std::unique_ptr<transport::Stream> stream_;
  Error close_reason_;
  int depth_ = 0;  // callbacks on the stack
  bool disposed_ = false;
  bool settled_ = false;         // after closing began: everyone concerned has been told
  bool stream_over_ = false;     // on_closed() came, or there never was one
  bool stream_closing_ = false;  // close() was called
  bool turn_posted_ = false;
  protocol::Instant now_;  // while depth_ > 0

  // Sending.
  SendBatch spare_;
  bool sending_ = false;
  bool send_ended_ = false;  // shutdown_send() was called
  std::uint64_t in_flight_bytes_ = 0;
  MonotonicTime send_started_{};

  // Timers.
  transport::TimerId timer_ = 0;
  MonotonicTime armed_at_ = never;
  MonotonicTime close_deadline_ = never;  // of lingering, and of draining
  MonotonicTime next_ping_ = never;
  MonotonicTime silent_since_ = never;  // a PING is out and nothing has been received since
  MonotonicTime ping_sent_{};
  std::uint64_t ping_nonce_ = 0;

  // Draining.
  bool draining_ = false;
  bool peer_knows_ = false;  // everything sent before it heard of the draining has been received

  // Calls.
  PendingCalls calls_;
  DeadlineWheel deadlines_;
  std::deque<WaitingCall> waiting_;  // for the handshake
  std::uint64_t waiting_bytes_ = 0;
  std::uint64_t waiting_bytes_max_;
  std::uint32_t waiting_max_;
  std::deque<Ending> ended_;
  std::vector<std::uint32_t> due_;

  // Requests.
  PeerRequests requests_;
  flowcontrol::Reservation window_room_;
  flowcontrol::Reservation unsent_answers_;
  std::vector<protocol::CreditToken> held_credit_;
  std::uint64_t window_bytes_;
  std::array<std::uint64_t, protocol::lane_count> lane_window_bytes_;
};

/// A call made before the connection was established, with its own copy of everything.
struct ConnectionCore::WaitingCall {
  CallId id;
  CallOptions options;
  Bytes tenant;
  Bytes baggage;
  Bytes head;
  SharedBytes value;
  std::size_t size() const noexcept { return tenant.size() + head.size() + value.size(); }
};

class ConnectionCore::Scope {
 public:
  explicit Scope(ConnectionCore& core) : core_(core) {
    if (core_.depth_++ == 0) core_.now_ = {core.executor_.now(), core.executor_.unix_time_ns()};
  }
  ~Scope() {
    if (--core_.depth_ == 0 && core_.disposed_) delete &core_;
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  ConnectionCore& core_;
};

}  // namespace grey::rpc
