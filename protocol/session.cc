#include "protocol/session.h"

#include <utility>

#include "base/check.h"
#include "protocol/handshake.h"
#include "protocol/session_core.h"

namespace grey::protocol {
namespace {
// take_output() serialises queued work up to about this much, so that later, more urgent messages
// and other streams are not behind more than this.
constexpr std::size_t output_target_bytes = 256 << 10;
constexpr std::size_t secret_bytes_min = 16;
}  // namespace

Session::Core::Core(SessionConfig config, SessionEvents& events)
    : config_(std::move(config)),
      events_(events),
      requests_(config_.requests_outstanding_max),
      control_budget_(config_.control_frames_max, config_.control_frames_per_second) {
  GREY_CHECK(!config_.cluster_id.empty() || config_.self == PeerRole::client);
  GREY_CHECK(config_.cluster_id.size() <= limit::cluster_id_bytes);
  GREY_CHECK(config_.requests_outstanding_max > 0);
  for (const LaneLimits& lane : config_.lanes) {
    GREY_CHECK(lane.payload_bytes_max >= window_bytes_min && lane.credit_messages > 0);
    GREY_CHECK(lane.credit_bytes >= window_bytes_min && lane.chunk_bytes > 0);
    GREY_CHECK(lane.chunk_threshold_bytes >= 1024);
  }
  if (config_.role == SessionRole::initiator && config_.encryption != EncryptionMode::off) {
    GREY_CHECK(secret_for(config_, config_.self).size() >= secret_bytes_min);
  }
}

void Session::Core::start(Instant at) {
  GREY_CHECK(state_ == State::idle);
  state_ = State::handshaking;
  handshake_deadline_ = at.now + config_.handshake_timeout;
  last_receive_ = at.now;
  rules_.payload_bytes_max = limit::handshake_payload_bytes;
  if (config_.role == SessionRole::initiator) {
    peer_.lane = config_.lane;
    const Hello hello = make_hello(config_, config_.lane, config_.shard, config_.expected_node);
    hello_frame_ = write_hello(hello, Kind::hello, at);
  }
}

void Session::Core::receive_end(Instant at) {
  if (state_ == State::over) return;
  if (reader_.is_partial()) return fail_with(ErrorCode::truncated_frame, {}, at);
  end({ErrorCode::peer_closed, {}}, false, at);
}

MonotonicTime Session::Core::next_deadline() const noexcept {
  if (state_ == State::over || state_ == State::idle) return never;
  MonotonicTime next = never;
  if (state_ != State::open) next = handshake_deadline_;
  if (reader_.is_partial()) {
    next = std::min(next, reader_.partial_since() + config_.frame_timeout);
  }
  if (in_streams_.size() != 0) {
    next = std::min(next, in_streams_.oldest_chunk_at() + config_.stream_timeout);
  }
  if (config_.idle_timeout > Duration{})
    next = std::min(next, last_receive_ + config_.idle_timeout);
  return next;
}

void Session::Core::tick(Instant at) {
  if (state_ == State::over || state_ == State::idle) return;
  if (state_ != State::open && at.now >= handshake_deadline_) {
    return fail_with(ErrorCode::handshake_timeout, {}, at);
  }
  if (reader_.is_partial() && at.now >= reader_.partial_since() + config_.frame_timeout) {
    return fail_with(ErrorCode::frame_timeout, {}, at);
  }
  if (in_streams_.size() != 0 && at.now >= in_streams_.oldest_chunk_at() + config_.stream_timeout) {
    return fail_with(ErrorCode::frame_timeout, "a message of several chunks stands still", at);
  }
  if (config_.idle_timeout > Duration{} && at.now >= last_receive_ + config_.idle_timeout) {
    return fail_with(ErrorCode::idle_timeout, {}, at);
  }
}

void Session::Core::fail_with(ErrorCode code, std::string detail, Instant at) {
  end({code, std::move(detail)}, true, at);
}

void Session::Core::abort(const Error& error, Instant at) {
  if (state_ != State::over) close(error, true, at);
}

void Session::Core::end(const Error& error, bool tell_peer, Instant at) {
  if (state_ == State::over) return;
  close(error, tell_peer, at);
  events_.failed(over_);
}

void Session::Core::close(const Error& error, bool tell_peer, Instant at) {
  if (tell_peer && state_ != State::idle) {
    char envelope[limit::envelope_head_bytes];
    write(at, envelope, encode(ErrorMessage{error.code, error.detail}, envelope));
  }
  state_ = State::over;
  over_ = error;
  queue_.clear();
  out_streams_.clear();
  for (InStream& stream : in_streams_.take_all()) {
    if (stream.was_admitted()) unadmit(stream.total_bytes);
  }
}

void Session::Core::write(Instant at, const EnvelopePieces& envelope, std::uint16_t flags) {
  writer_.write(out_, flags, at.unix_ns, envelope);
}

void Session::Core::write(Instant at, const char* envelope, const char* envelope_end) {
  const ByteView head(envelope, static_cast<std::size_t>(envelope_end - envelope));
  writer_.write(out_, 0, at.unix_ns, {.head = head, .body = {}});
}

bool Session::Core::has_output() const noexcept {
  if (!out_.empty()) return true;
  if (!queue_.empty() && send_window_.can_send(queue_.front().size())) return true;
  for (std::size_t i = 0; i < out_streams_.size(); ++i) {
    if (can_send_chunk(out_streams_.at(i))) return true;
  }
  return false;
}

void Session::Core::take_output(SendBatch& batch, Instant at) {
  GREY_CHECK(batch.empty());
  pump(at);
  bytes_taken_ += out_.size();
  control_budget_.earn(writer_.frames() - frames_taken_);
  frames_taken_ = writer_.frames();
  std::swap(batch, out_);
}

// Queued messages and chunks take turns, at least one of each if it may go.
void Session::Core::pump(Instant at) {
  if (state_ != State::open) return;
  bool moved = false;
  do {
    moved = !queue_.empty() && drain_queue(at);
    moved = (!out_streams_.empty() && send_next_chunk(at)) || moved;
  } while (moved && out_.size() < output_target_bytes);
}

// One turn of the queue: about as much as one chunk.
bool Session::Core::drain_queue(Instant at) {
  std::size_t sent_bytes = 0;
  while (!queue_.empty() && sent_bytes < own_limits().chunk_bytes) {
    StoredMessage& message = queue_.front();
    const std::size_t size = message.size();
    if (!send_window_.can_send(size)) break;
    send_window_.consume(size);
    message.update_deadline(at.now);
    if (OutstandingRequest* request = requests_.find(message.request_id)) request->sent = true;
    EnvelopePieces pieces{.head = message.head, .body = {}};
    pieces.value = &message.value;
    pieces.value_bytes = message.value.size();
    write(at, pieces, message.flags);
    queue_.pop();
    sent_bytes += size;
  }
  return sent_bytes > 0;
}

bool Session::Core::drained() const noexcept {
  return requests_.size() == 0 && requests_unanswered_ == 0 && queue_.empty() &&
         out_streams_.empty() && in_streams_.size() == 0 && out_.empty();
}

SessionStats Session::Core::stats() const noexcept {
  return {.frames_sent = writer_.frames(),
          .frames_received = frames_received_,
          .bytes_sent = bytes_taken_ + out_.size(),
          .bytes_received = bytes_received_,
          .requests_outstanding = requests_.size(),
          .requests_unanswered = requests_unanswered_,
          .reply_bytes_reserved = requests_.reply_bytes_reserved(),
          .queued_messages = queue_.messages() + out_streams_.size(),
          .queued_bytes = queue_.bytes() + out_streams_.bytes(),
          .credit_bytes_available = send_window_.available().bytes,
          .credit_messages_available = send_window_.available().messages,
          .credit_bytes_held = receive_window_.unreleased().bytes,
          .credit_messages_held = receive_window_.unreleased().messages,
          .admitted_bytes = admitted_bytes_,
          .frames_compressed = writer_.frames_compressed(),
          .oneways_refused = oneways_refused_};
}

Session::Session(SessionConfig config, SessionEvents& events)
    : core_(std::make_unique<Core>(std::move(config), events)) {}
Session::~Session() = default;

void Session::start(Instant at) { core_->start(at); }
void Session::receive(ByteView bytes, Instant at) { core_->receive(bytes, at); }
void Session::receive_end(Instant at) { core_->receive_end(at); }
void Session::tick(Instant at) { core_->tick(at); }
MonotonicTime Session::next_deadline() const noexcept { return core_->next_deadline(); }
bool Session::has_output() const noexcept { return core_->has_output(); }
void Session::take_output(SendBatch& batch, Instant at) { core_->take_output(batch, at); }
Result<std::uint64_t> Session::send_request(const RequestOptions& options, const Body& body,
                                            Instant at) {
  return core_->send_request(options, body, at);
}
Status Session::send_oneway(const OnewayOptions& options, const Body& body, Instant at) {
  return core_->send_oneway(options, body, at);
}
Status Session::send_response(ReplyTo to, const ResponseOptions& options, const Body& body,
                              Instant at) {
  return core_->send_response(to, options, body, at);
}
CancelResult Session::send_cancel(std::uint64_t request_id, ErrorCode code, Instant at) {
  return core_->send_cancel(request_id, code, at);
}
Status Session::ping(std::uint64_t nonce, Instant at) { return core_->ping(nonce, at); }
void Session::goaway(ErrorCode code, std::string_view detail, Instant at) {
  core_->goaway(code, detail, at);
}
void Session::release(CreditToken token, Instant at) { core_->release(token, at); }
void Session::abort(const Error& error, Instant at) { core_->abort(error, at); }
bool Session::is_established() const noexcept { return core_->is_established(); }
bool Session::is_over() const noexcept { return core_->is_over(); }
bool Session::drained() const noexcept { return core_->drained(); }
bool Session::may_have_been_sent(std::uint64_t request_id) const noexcept {
  return core_->may_have_been_sent(request_id);
}
std::uint64_t Session::unread_output_bytes() const noexcept { return core_->unread_output_bytes(); }
const PeerInfo& Session::peer() const noexcept { return core_->peer(); }
SessionStats Session::stats() const noexcept { return core_->stats(); }

}  // namespace grey::protocol
