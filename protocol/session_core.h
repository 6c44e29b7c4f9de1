// The inside of Session, split over session_*.cc by what a part does: lifecycle (session.cc),
// handshake, receiving, sending, chunks. Not for use outside this module.
#pragma once
#include <array>
#include <cstdint>

#include "flowcontrol/credit_window.h"
#include "protocol/control_budget.h"
#include "protocol/frame_reader.h"
#include "protocol/frame_writer.h"
#include "protocol/in_streams.h"
#include "protocol/outgoing.h"
#include "protocol/payload_opener.h"
#include "protocol/request_table.h"
#include "protocol/session.h"

namespace grey::protocol {

class Session::Core {
 public:
  Core(SessionConfig config, SessionEvents& events);

  void start(Instant at);
  void receive(ByteView bytes, Instant at);
  void receive_end(Instant at);
  void tick(Instant at);
  MonotonicTime next_deadline() const noexcept;
  bool has_output() const noexcept;
  void take_output(SendBatch& batch, Instant at);
  Result<std::uint64_t> send_request(const RequestOptions& options, const Body& body, Instant at);
  Status send_oneway(const OnewayOptions& options, const Body& body, Instant at);
  Status send_response(ReplyTo to, const ResponseOptions& options, const Body& body, Instant at);
  CancelResult send_cancel(std::uint64_t request_id, ErrorCode code, Instant at);
  Status ping(std::uint64_t nonce, Instant at);
  void goaway(ErrorCode code, std::string_view detail, Instant at);
  void release(CreditToken token, Instant at);
  void abort(const Error& error, Instant at);
  bool is_established() const noexcept { return state_ == State::open; }
  bool is_over() const noexcept { return state_ == State::over; }
  bool drained() const noexcept;
  bool may_have_been_sent(std::uint64_t request_id) const noexcept {
    const OutstandingRequest* request = requests_.find(request_id);
    return request == nullptr || request->sent;
  }
  std::uint64_t unread_output_bytes() const noexcept {
    return out_.size() + out_streams_.answer_bytes();
  }
  const PeerInfo& peer() const noexcept { return peer_; }
  SessionStats stats() const noexcept;

 private:
  enum class State : std::uint8_t {
    idle,         // before start()
    handshaking,  // waiting for HELLO or HELLO_ACK
    confirming,   // keys agreed; waiting for the peer's first encrypted frame
    open,
    over
  };
  /// PINGs that wait for their PONG, oldest first.
  struct Pings {
    static constexpr std::size_t outstanding_max = 16;
    struct Entry {
      std::uint64_t nonce;
      bool own;  // the session's own, not reported
    };
    std::array<Entry, outstanding_max> entries;
    std::size_t first = 0;
    std::size_t count = 0;
  };

  // session.cc: the end, and what leaves.
  void end(const Error& error, bool tell_peer, Instant at);
  void close(const Error& error, bool tell_peer, Instant at);
  void fail_with(ErrorCode code, std::string detail, Instant at);
  void pump(Instant at);
  bool drain_queue(Instant at);
  void write(Instant at, const EnvelopePieces& envelope, std::uint16_t flags = 0);
  void write(Instant at, const char* envelope, const char* envelope_end);
  const LaneLimits& own_limits() const noexcept {
    return config_.lanes[static_cast<std::size_t>(peer_.lane)];
  }

  // session_handshake.cc
  void on_handshake_frame(ByteView frame, ByteView envelope, Kind kind, Instant at);
  void on_hello(ByteView frame, ByteView envelope, Instant at);
  void on_hello_ack(ByteView frame, ByteView envelope, Instant at);
  void use_keys(ByteView hello_frame, ByteView hello_ack_frame);
  void begin_traffic(Instant at);
  void establish();
  Bytes write_hello(const Hello& hello, Kind kind, Instant at);

  // session_receive.cc
  void on_frame(ByteView frame, Instant at);
  void on_envelope(Kind kind, ByteView envelope, std::uint16_t flags, Instant at);
  void on_control(Kind kind, ByteView envelope, Instant at);
  void on_ping(const Ping& ping, Instant at);
  void on_pong(const Ping& pong, Instant at);
  void on_credit(const Credit& credit, Instant at);
  void on_cancel(const Cancel& cancel, Instant at);
  void on_peer_error(ByteView envelope, Instant at);
  void on_request(ByteView envelope, std::uint16_t flags, Instant at);
  void on_oneway(ByteView envelope, std::uint16_t flags, Instant at);
  void on_response(ByteView envelope, Instant at);
  void deliver_request(const RequestView& request, CreditToken token, const SharedBytes& chunked,
                       Instant at);
  void deliver_response(const ResponseView& response, std::size_t envelope_bytes,
                        const SharedBytes& chunked, Instant at);
  bool take_credit(std::size_t bytes, Instant at);
  void return_credit(std::uint64_t bytes, Instant at);
  void notify_send_possible();

  // session_send.cc
  Status ready_to_send() const;
  std::size_t single_frame_max(bool needs_credit) const noexcept;
  Status submit(const Outgoing& message, Instant at);
  Status enqueue(const Outgoing& message);
  void respond_now(std::uint64_t request_id, ErrorCode code, std::uint32_t retry_after_ms,
                   Instant at);
  void forget_request(std::uint64_t request_id);

  // session_chunks.cc
  void on_chunk(ByteView envelope, std::uint16_t flags, Instant at);
  bool begin_in_stream(const ChunkView& chunk, Instant at);
  void refuse_stream(const ChunkView& chunk, ErrorCode code, Instant at);
  void complete_in_stream(InStream stream, std::uint16_t flags, Instant at);
  void drop_in_stream(InStream& stream);
  void unadmit(std::uint64_t bytes);
  Status start_out_stream(const Outgoing& message);
  bool can_send_chunk(const OutStream& stream) const noexcept;
  bool send_next_chunk(Instant at);
  std::size_t next_chunk_bytes(const OutStream& stream) const noexcept;

  SessionConfig config_;
  SessionEvents& events_;
  State state_ = State::idle;
  Error over_;  // why it is over
  PeerInfo peer_;

  FrameReader reader_;
  FrameRules rules_;
  PayloadOpener opener_;
  FrameWriter writer_;
  SendBatch out_;
  Bytes hello_frame_;  // initiator, until the keys are derived

  flowcontrol::SendWindow send_window_;
  flowcontrol::ReceiveWindow receive_window_{{1, 1}};
  RequestTable requests_;
  SendQueue queue_;
  OutStreams out_streams_;
  InStreams in_streams_;
  ControlBudget control_budget_;
  Pings pings_;

  std::uint64_t last_out_stream_ = 0;
  std::uint64_t last_in_stream_ = 0;
  std::uint64_t requests_unanswered_ = 0;
  std::uint64_t admitted_bytes_ = 0;
  std::uint64_t oneways_refused_ = 0;
  std::uint64_t frames_received_ = 0;
  std::uint64_t bytes_received_ = 0;
  std::uint64_t bytes_taken_ = 0;
  std::uint64_t frames_taken_ = 0;  // frames written when output was last taken
  bool send_refused_ = false;       // a send returned overloaded: tell when there is room
  bool goaway_sent_ = false;
  bool goaway_received_ = false;
  MonotonicTime handshake_deadline_ = never;
  MonotonicTime last_receive_{};
};

}  // namespace grey::protocol
