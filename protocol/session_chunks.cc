// Messages larger than a frame. Chunks of requests and one-way messages spend credit like any
// frame, but their credit returns as soon as their bytes are in the reassembly buffer: that memory
// was admitted whole with the first chunk, so no half-admitted message ever waits for what another
// holds. Chunks of responses use the room that the request reserved.
#include "base/check.h"
#include "protocol/session_core.h"

namespace grey::protocol {
namespace {
// A chunk's envelope around its data.
constexpr std::size_t chunk_head_bytes_max = 64;
constexpr std::uint32_t refused_retry_after_ms = 100;
}  // namespace

void Session::Core::on_chunk(ByteView envelope, std::uint16_t flags, Instant at) {
  ChunkView chunk;
  const ErrorCode bad = decode(envelope, config_.envelope, chunk);
  if (bad != ErrorCode::ok) return fail_with(bad, {}, at);
  if (chunk.message_kind != Kind::response) {
    if (!take_credit(envelope.size(), at)) return;
    return_credit(envelope.size(), at);
  }
  InStream* stream = in_streams_.find(chunk.stream_id);
  if (stream == nullptr) {
    if (chunk.stream_id <= last_in_stream_ && chunk.index > 0 &&
        chunk.message_kind != Kind::response) {
      return;  // the rest of a stream that was refused or cancelled
    }
    if (!begin_in_stream(chunk, at)) return;
    stream = in_streams_.find(chunk.stream_id);
  }
  if (!stream->append(chunk)) {
    return fail_with(ErrorCode::bad_chunk, "a chunk does not continue its stream", at);
  }
  stream->last_chunk_at = at.now;
  if (stream->complete()) complete_in_stream(in_streams_.take(*stream), flags, at);
}

// True if the stream now exists; else the session has failed or the stream was refused.
bool Session::Core::begin_in_stream(const ChunkView& chunk, Instant at) {
  const auto refuse = [&](ErrorCode code, const char* why) {
    fail_with(code, why, at);
    return false;
  };
  if (chunk.stream_id != last_in_stream_ + 1 || chunk.index != 0) {
    return refuse(ErrorCode::bad_chunk, "not the beginning of the next stream");
  }
  if (chunk.total_bytes == 0 || chunk.total_bytes > own_limits().message_bytes_max ||
      (chunk.request_id == 0) != (chunk.message_kind == Kind::oneway)) {
    return refuse(ErrorCode::bad_chunk, "total or request id out of range");
  }
  last_in_stream_ = chunk.stream_id;
  if (chunk.message_kind == Kind::response) {
    const OutstandingRequest* request = requests_.find(chunk.request_id);
    if (request == nullptr || !request->sent ||
        in_streams_.find(Kind::response, chunk.request_id) != nullptr) {
      return refuse(ErrorCode::unexpected_message, "a response without its request");
    }
    if (chunk.total_bytes > request->reply_bytes_allowed) {
      return refuse(ErrorCode::credit_violation, "a reply larger than was allowed");
    }
  } else if (goaway_sent_ && chunk.message_kind == Kind::request) {
    refuse_stream(chunk, ErrorCode::going_away, at);
    return false;
  } else if (in_streams_.size() >= config_.streams_max || !events_.admit(chunk.total_bytes)) {
    refuse_stream(chunk, ErrorCode::overloaded, at);
    return false;
  } else {
    admitted_bytes_ += chunk.total_bytes;
  }
  in_streams_.begin(chunk);
  return true;
}

void Session::Core::refuse_stream(const ChunkView& chunk, ErrorCode code, Instant at) {
  if (chunk.message_kind == Kind::request) {
    return respond_now(chunk.request_id, code, refused_retry_after_ms, at);
  }
  char envelope[limit::envelope_head_bytes];
  const Cancel cancel{.what = Cancel::What::stream, .id = chunk.stream_id, .code = code};
  write(at, envelope, encode(cancel, envelope));
}

void Session::Core::complete_in_stream(InStream stream, std::uint16_t flags, Instant at) {
  const SharedBytes whole(std::move(stream.data));
  const CreditToken token{.admitted_bytes = stream.was_admitted() ? stream.total_bytes : 0};
  Kind kind{};
  ErrorCode bad = decode_kind(whole.view(), kind);
  if (bad == ErrorCode::ok && kind != stream.message_kind) bad = ErrorCode::bad_chunk;
  RequestView request;
  ResponseView response;
  OnewayView oneway;
  if (bad == ErrorCode::ok) {
    switch (kind) {
      case Kind::request:
        bad = decode(whole.view(), config_.envelope, request);
        break;
      case Kind::response:
        bad = decode(whole.view(), config_.envelope, response);
        break;
      default:
        bad = decode(whole.view(), config_.envelope, oneway);
        break;
    }
  }
  const std::uint64_t request_id = kind == Kind::request    ? request.request_id
                                   : kind == Kind::response ? response.request_id
                                                            : 0;
  if (bad == ErrorCode::ok && request_id != stream.request_id) bad = ErrorCode::bad_chunk;
  if (bad != ErrorCode::ok) {
    if (token.admitted_bytes != 0) unadmit(token.admitted_bytes);
    return fail_with(bad, "in a message of several chunks", at);
  }
  if (kind == Kind::request) {
    request.priority = (flags & flag::priority) != 0;
    deliver_request(request, token, whole, at);
  } else if (kind == Kind::response) {
    deliver_response(response, whole.size(), whole, at);
  } else {
    oneway.priority = (flags & flag::priority) != 0;
    events_.oneway(oneway, token, whole);
  }
}

void Session::Core::drop_in_stream(InStream& stream) {
  const InStream dropped = in_streams_.take(stream);
  if (dropped.was_admitted()) unadmit(dropped.total_bytes);
}

void Session::Core::unadmit(std::uint64_t bytes) {
  GREY_CHECK(bytes <= admitted_bytes_);
  admitted_bytes_ -= bytes;
  events_.unadmit(bytes);
}

Status Session::Core::start_out_stream(const Outgoing& message) {
  if (message.needs_credit() &&
      (out_streams_.credited() >= config_.streams_max ||
       out_streams_.bytes() + message.pieces.size() > config_.stream_bytes_max)) {
    send_refused_ = true;
    return fail(ErrorCode::overloaded, "too many large messages are on their way");
  }
  out_streams_.push(message);
  return {};
}

std::size_t Session::Core::next_chunk_bytes(const OutStream& stream) const noexcept {
  const std::size_t room = single_frame_max(stream.message.needs_credit()) - chunk_head_bytes_max;
  const std::size_t wanted = std::min<std::size_t>(own_limits().chunk_bytes, room);
  return std::min(wanted, stream.left_bytes());
}

bool Session::Core::can_send_chunk(const OutStream& stream) const noexcept {
  return !stream.message.needs_credit() ||
         send_window_.can_send(next_chunk_bytes(stream) + chunk_head_bytes_max);
}

// One chunk of the first stream in turn that may send.
bool Session::Core::send_next_chunk(Instant at) {
  std::size_t turn = 0;
  while (turn < out_streams_.size() && !can_send_chunk(out_streams_.at(turn))) ++turn;
  if (turn == out_streams_.size()) return false;
  OutStream& stream = out_streams_.at(turn);
  StoredMessage& message = stream.message;
  if (!stream.begun()) {
    stream.stream_id = ++last_out_stream_;
    message.update_deadline(at.now);
    if (message.kind == Kind::request) requests_.find(message.request_id)->sent = true;
  }
  const std::size_t data_bytes = next_chunk_bytes(stream);
  char head[chunk_head_bytes_max];
  const char* const head_end = encode_head({.stream_id = stream.stream_id,
                                            .index = stream.index,
                                            .total_bytes = message.size(),
                                            .message_kind = message.kind,
                                            .request_id = message.request_id},
                                           data_bytes, head);
  EnvelopePieces pieces = stream.slice(data_bytes);
  pieces.head = {head, static_cast<std::size_t>(head_end - head)};
  if (message.needs_credit()) send_window_.consume(pieces.size());
  write(at, pieces, message.flags & flag::priority);
  ++stream.index;
  stream.sent_bytes += data_bytes;
  out_streams_.served(turn);
  return true;
}

}  // namespace grey::protocol
