#include "protocol/messages.h"

#include <algorithm>

#include "base/endian.h"
#include "protocol/msgpack_writer.h"

namespace grey::protocol {
namespace {

using msgpack::Reader;

constexpr std::uint64_t max_u16 = 0xffff;
constexpr std::uint64_t max_u32 = 0xffffffff;

// Opens the envelope: an array of at least `count_min` elements that begins with `kind`. Returns
// how many elements follow the known ones.
std::uint32_t open(Reader& in, Kind kind, std::uint32_t count_min) noexcept {
  const std::uint32_t count = in.read_array_at_least(count_min);
  if (in.read_uint() != static_cast<std::uint64_t>(kind)) in.reject();
  return in.ok() ? count - count_min : 0;
}

// Passes over the elements that a later version may have added, and requires the end after them.
ErrorCode close(Reader& in, std::uint32_t unknown_elements) noexcept {
  for (; unknown_elements > 0 && in.ok(); --unknown_elements) in.skip();
  if (in.ok() && !in.at_end()) return ErrorCode::bad_envelope;
  return in.error();
}

ErrorCode read_code(Reader& in) noexcept { return static_cast<ErrorCode>(in.read_uint(max_u16)); }

// Maps of strings to strings only; nested values have no business in baggage.
ByteView read_baggage(Reader& in) noexcept {
  const ByteView before = in.rest();
  const std::uint32_t pairs = in.read_map();
  for (std::uint32_t i = 0; i < pairs && in.ok(); ++i) {
    in.read_str();
    in.read_str();
  }
  if (!in.ok()) return {};
  return before.substr(0, before.size() - in.left());
}

// Baggage beyond its limit is an oversized value like any other.
ErrorCode read_trace(Reader& in, TraceContext& out) noexcept {
  out = {};
  if (in.try_nil()) return in.error();
  const std::uint32_t count = in.read_array_at_least(4);
  const ByteView id = in.read_bin_exactly(16);
  if (!in.ok()) return in.error();
  out.trace_id_high = load_be<std::uint64_t>(id.data());
  out.trace_id_low = load_be<std::uint64_t>(id.data() + 8);
  out.span_id = in.read_uint();
  out.parent_span_id = in.read_uint();
  out.baggage = read_baggage(in);
  for (std::uint32_t i = 4; i < count && in.ok(); ++i) in.skip();
  if (!in.ok()) return in.error();
  if (!out) return ErrorCode::bad_envelope;  // a trace id of zero names no trace
  if (out.baggage.size() > limit::baggage_bytes) return ErrorCode::envelope_value_too_large;
  return ErrorCode::ok;
}

ErrorCode read_idempotency(Reader& in, OperationId& out) noexcept {
  out = {};
  if (in.try_nil()) return in.error();
  const std::uint32_t count = in.read_array_at_least(2);
  const ByteView id = in.read_bin_exactly(16);
  out.sequence = in.read_uint();
  for (std::uint32_t i = 2; i < count && in.ok(); ++i) in.skip();
  if (!in.ok()) return in.error();
  out.client = {load_be<std::uint64_t>(id.data()), load_be<std::uint64_t>(id.data() + 8)};
  return out ? ErrorCode::ok : ErrorCode::bad_envelope;  // all zero names no operation
}

char* put_id(char* to, std::uint64_t high, std::uint64_t low) noexcept {
  to = msgpack::put_bin_header(to, 16);
  store_be(to, high);
  store_be(to + 8, low);
  return to + 16;
}

char* put_kind(char* to, std::uint32_t count, Kind kind) noexcept {
  return msgpack::put_uint(msgpack::put_array_header(to, count), static_cast<std::uint64_t>(kind));
}

char* put_cut(char* to, std::string_view text, std::size_t size_max) noexcept {
  return msgpack::put_str(to, text.substr(0, size_max));
}

char* put_trace(char* to, const TraceContext& trace) noexcept {
  if (!trace) return msgpack::put_nil(to);
  to = msgpack::put_array_header(to, 4);
  to = put_id(to, trace.trace_id_high, trace.trace_id_low);
  to = msgpack::put_uint(to, trace.span_id);
  to = msgpack::put_uint(to, trace.parent_span_id);
  const bool fits = !trace.baggage.empty() && trace.baggage.size() <= limit::baggage_bytes;
  return fits ? msgpack::put_raw(to, trace.baggage) : msgpack::put_map_header(to, 0);
}

char* put_code(char* to, ErrorCode code) noexcept {
  return msgpack::put_uint(to, static_cast<std::uint16_t>(code));
}

}  // namespace

std::string_view lane_name(Lane lane) noexcept {
  switch (lane) {
    case Lane::control:
      return "control";
    case Lane::data:
      return "data";
    case Lane::bulk:
      return "bulk";
  }
  return "unknown";
}

ErrorCode decode_kind(ByteView payload, Kind& out) noexcept {
  Reader in(payload);
  in.read_array_at_least(1);
  const std::uint64_t number = in.read_uint();
  if (!in.ok()) return in.error();
  const bool known = (number >= static_cast<std::uint64_t>(Kind::hello) &&
                      number <= static_cast<std::uint64_t>(Kind::error)) ||
                     (number >= static_cast<std::uint64_t>(Kind::request) &&
                      number <= static_cast<std::uint64_t>(Kind::chunk));
  if (!known) return ErrorCode::unexpected_message;
  out = static_cast<Kind>(number);
  return ErrorCode::ok;
}

ErrorCode decode(ByteView payload, const msgpack::Limits& limits, Ping& out) noexcept {
  Reader in(payload, limits);
  const std::uint32_t count = in.read_array_at_least(2);
  const std::uint64_t kind = in.read_uint();
  if (kind != static_cast<std::uint64_t>(Kind::ping) &&
      kind != static_cast<std::uint64_t>(Kind::pong)) {
    in.reject();
  }
  out.nonce = in.read_uint();
  return close(in, in.ok() ? count - 2 : 0);
}

ErrorCode decode(ByteView payload, const msgpack::Limits& limits, Credit& out) noexcept {
  Reader in(payload, limits);
  const std::uint32_t more = open(in, Kind::credit, 3);
  out.bytes_total = in.read_uint();
  out.messages_total = in.read_uint();
  return close(in, more);
}

ErrorCode decode(ByteView payload, const msgpack::Limits& limits, Cancel& out) noexcept {
  Reader in(payload, limits);
  const std::uint32_t more = open(in, Kind::cancel, 4);
  out.what = static_cast<Cancel::What>(in.read_uint(1));
  out.id = in.read_uint();
  out.code = read_code(in);
  return close(in, more);
}

ErrorCode decode(ByteView payload, const msgpack::Limits& limits, GoAway& out) noexcept {
  Reader in(payload, limits);
  const std::uint32_t more = open(in, Kind::goaway, 3);
  out.code = read_code(in);
  out.detail = in.read_str(limit::detail_bytes);
  return close(in, more);
}

ErrorCode decode(ByteView payload, const msgpack::Limits& limits, ErrorMessage& out) noexcept {
  Reader in(payload, limits);
  const std::uint32_t more = open(in, Kind::error, 3);
  out.code = read_code(in);
  out.detail = in.read_str(limit::detail_bytes);
  return close(in, more);
}

ErrorCode decode(ByteView payload, const msgpack::Limits& limits, RequestView& out) noexcept {
  Reader in(payload, limits);
  const std::uint32_t more = open(in, Kind::request, 9);
  out.request_id = in.read_uint();
  if (out.request_id == 0) in.reject();
  out.method = static_cast<std::uint32_t>(in.read_uint(max_u32));
  out.deadline_ms = static_cast<std::uint32_t>(in.read_uint(max_u32));
  out.reply_bytes_max = static_cast<std::uint32_t>(in.read_uint(max_u32));
  out.tenant = in.read_str(limit::tenant_bytes);
  if (const ErrorCode bad = read_trace(in, out.trace); bad != ErrorCode::ok) return bad;
  if (const ErrorCode bad = read_idempotency(in, out.idempotency); bad != ErrorCode::ok) return bad;
  out.body = in.skip();
  return close(in, more);
}

ErrorCode decode(ByteView payload, const msgpack::Limits& limits, ResponseView& out) noexcept {
  Reader in(payload, limits);
  const std::uint32_t more = open(in, Kind::response, 6);
  out.request_id = in.read_uint();
  out.code = read_code(in);
  out.detail = in.read_str(limit::detail_bytes);
  out.retry_after_ms = static_cast<std::uint32_t>(in.read_uint(max_u32));
  out.body = in.skip();
  return close(in, more);
}

ErrorCode decode(ByteView payload, const msgpack::Limits& limits, OnewayView& out) noexcept {
  Reader in(payload, limits);
  const std::uint32_t more = open(in, Kind::oneway, 5);
  out.method = static_cast<std::uint32_t>(in.read_uint(max_u32));
  out.tenant = in.read_str(limit::tenant_bytes);
  if (const ErrorCode bad = read_trace(in, out.trace); bad != ErrorCode::ok) return bad;
  out.body = in.skip();
  return close(in, more);
}

ErrorCode decode(ByteView payload, const msgpack::Limits& limits, ChunkView& out) noexcept {
  Reader in(payload, limits);
  const std::uint32_t more = open(in, Kind::chunk, 7);
  out.stream_id = in.read_uint();
  out.index = in.read_uint();
  out.total_bytes = in.read_uint();
  const std::uint64_t kind = in.read_uint();
  out.request_id = in.read_uint();
  out.data = in.read_bin();
  if (kind < static_cast<std::uint64_t>(Kind::request) ||
      kind > static_cast<std::uint64_t>(Kind::oneway)) {
    in.reject();
  }
  out.message_kind = static_cast<Kind>(kind);
  return close(in, more);
}

char* encode_ping(Kind kind, const Ping& ping, char* to) noexcept {
  return msgpack::put_uint(put_kind(to, 2, kind), ping.nonce);
}

char* encode(const Credit& credit, char* to) noexcept {
  to = msgpack::put_uint(put_kind(to, 3, Kind::credit), credit.bytes_total);
  return msgpack::put_uint(to, credit.messages_total);
}

char* encode(const Cancel& cancel, char* to) noexcept {
  to = put_kind(to, 4, Kind::cancel);
  to = msgpack::put_uint(to, static_cast<std::uint64_t>(cancel.what));
  return put_code(msgpack::put_uint(to, cancel.id), cancel.code);
}

char* encode(const GoAway& goaway, char* to) noexcept {
  to = put_code(put_kind(to, 3, Kind::goaway), goaway.code);
  return put_cut(to, goaway.detail, limit::detail_bytes);
}

char* encode(const ErrorMessage& error, char* to) noexcept {
  to = put_code(put_kind(to, 3, Kind::error), error.code);
  return put_cut(to, error.detail, limit::detail_bytes);
}

char* encode_head(const RequestView& request, char* to) noexcept {
  to = put_kind(to, 9, Kind::request);
  to = msgpack::put_uint(to, request.request_id);
  to = msgpack::put_uint(to, request.method);
  to = msgpack::put_tagged(to, 0xce, request.deadline_ms);  // always wide: it may be rewritten
  to = msgpack::put_uint(to, request.reply_bytes_max);
  to = put_cut(to, request.tenant, limit::tenant_bytes);
  to = put_trace(to, request.trace);
  if (!request.idempotency) return msgpack::put_nil(to);
  to = msgpack::put_array_header(to, 2);
  to = put_id(to, request.idempotency.client.high, request.idempotency.client.low);
  return msgpack::put_uint(to, request.idempotency.sequence);
}

std::size_t request_deadline_offset(std::uint64_t request_id, std::uint32_t method) noexcept {
  char scratch[64];
  char* to = put_kind(scratch, 9, Kind::request);
  to = msgpack::put_uint(msgpack::put_uint(to, request_id), method);
  return static_cast<std::size_t>(to + 1 - scratch);  // past the tag
}

char* encode_head(const ResponseView& response, char* to) noexcept {
  to = msgpack::put_uint(put_kind(to, 6, Kind::response), response.request_id);
  to = put_code(to, response.code);
  to = put_cut(to, response.detail, limit::detail_bytes);
  return msgpack::put_uint(to, response.retry_after_ms);
}

char* encode_head(const OnewayView& oneway, char* to) noexcept {
  to = msgpack::put_uint(put_kind(to, 5, Kind::oneway), oneway.method);
  to = put_cut(to, oneway.tenant, limit::tenant_bytes);
  return put_trace(to, oneway.trace);
}

char* encode_head(const ChunkView& chunk, std::size_t data_bytes, char* to) noexcept {
  to = msgpack::put_uint(put_kind(to, 7, Kind::chunk), chunk.stream_id);
  to = msgpack::put_uint(to, chunk.index);
  to = msgpack::put_uint(to, chunk.total_bytes);
  to = msgpack::put_uint(to, static_cast<std::uint64_t>(chunk.message_kind));
  to = msgpack::put_uint(to, chunk.request_id);
  return msgpack::put_bin_header(to, static_cast<std::uint32_t>(data_bytes));
}

}  // namespace grey::protocol
