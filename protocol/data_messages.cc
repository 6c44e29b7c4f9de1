#include "protocol/data_messages.h"

#include <algorithm>

#include "base/endian.h"
#include "protocol/messages.h"
#include "protocol/msgpack_reader.h"
#include "protocol/msgpack_writer.h"

namespace grey::protocol {
namespace {

using msgpack::Reader;
using msgpack::Writer;

constexpr std::uint64_t max_u32 = 0xffffffff;

// Binaries are views of bytes that are there, so they are measured after reading: that way an
// oversized one gets the error that names it.
constexpr msgpack::Limits body_limits{
    .depth_max = 8, .elements_max = 256, .str_bytes_max = 255, .bin_bytes_max = ~0u};

// An array whose first `known` elements this version knows; close() passes over the others.
class Array {
 public:
  Array(Reader& in, std::uint32_t known) noexcept : in_(in), more_(in.read_array_at_least(known)) {
    more_ = in.ok() ? more_ - known : 0;
  }
  void close() noexcept {
    for (; more_ > 0 && in_.ok(); --more_) in_.skip();
  }

 private:
  Reader& in_;
  std::uint32_t more_;
};

// [fields, ...]: opens both arrays.
struct Body {
  Body(Reader& in, std::uint32_t parts, std::uint32_t fields_known) noexcept
      : outer(in, parts), fields(in, fields_known) {}
  Array outer;
  Array fields;
};

void write_id(Writer& out, const OperationId& id) {
  char raw[16];
  store_be(raw, id.client.high);
  store_be(raw + 8, id.client.low);
  out.array(2).bin({raw, sizeof raw}).uint(id.sequence);
}

void write_id_or_nil(Writer& out, const OperationId& id) {
  if (id) {
    write_id(out, id);
  } else {
    out.nil();
  }
}

OperationId read_id(Reader& in) noexcept {
  Array array(in, 2);
  OperationId id;
  const ByteView raw = in.read_bin_exactly(16);
  id.sequence = in.read_uint();
  array.close();
  if (!in.ok()) return {};
  id.client = {load_be<std::uint64_t>(raw.data()), load_be<std::uint64_t>(raw.data() + 8)};
  if (!id) in.reject();  // all zero names no operation
  return id;
}

OperationId read_id_or_nil(Reader& in) noexcept {
  return in.try_nil() ? OperationId{} : read_id(in);
}

void write_ballot(Writer& out, const WireBallot& b) {
  out.array(5).uint(b.epoch).uint(b.round).uint(b.node).uint(b.incarnation).uint(b.sequence);
}

WireBallot read_ballot(Reader& in) noexcept {
  Array array(in, 5);
  WireBallot b;
  b.epoch = in.read_uint();
  b.round = in.read_uint(limit::round_end - 1);
  b.node = static_cast<NodeId>(in.read_uint(max_u32));
  b.incarnation = in.read_uint();
  b.sequence = in.read_uint();
  array.close();
  return b;
}

void write_window(Writer& out, const WireWindow& window) {
  out.array(3).uint(window.epoch);
  write_ballot(out, window.low);
  out.uint(window.round_high);
}

WireWindow read_window(Reader& in) noexcept {
  Array array(in, 3);
  WireWindow window;
  window.epoch = in.read_uint();
  window.low = read_ballot(in);
  window.round_high = in.read_uint(limit::round_end - 1);
  array.close();
  const WireBallot& low = window.low;
  const bool room =
      low.epoch < window.epoch || (low.epoch == window.epoch && low.round <= window.round_high);
  if (!room || window.round_high == 0) in.reject();
  return window;
}

void write_hint(Writer& out, const WireHint& hint) {
  out.array(2).uint(hint.round_seen);
  if (hint.home) {
    write_ballot(out, *hint.home);
  } else {
    out.nil();
  }
}

WireHint read_hint(Reader& in) noexcept {
  Array array(in, 2);
  WireHint hint;
  hint.round_seen = in.read_uint(limit::round_end - 1);
  if (!in.try_nil()) hint.home = read_ballot(in);
  array.close();
  return hint;
}

ByteView read_limited(Reader& in, std::size_t size_max, ErrorCode too_large) noexcept {
  const ByteView bytes = in.read_bin();
  if (bytes.size() <= size_max) return bytes;
  in.reject(too_large);
  return {};
}

ByteView read_key(Reader& in, const DataLimits& limits) noexcept {
  const ByteView key = read_limited(in, limits.key_bytes_max, ErrorCode::key_too_large);
  if (key.empty()) in.reject();
  return key;
}

ByteView read_value(Reader& in, const DataLimits& limits) noexcept {
  return read_limited(in, limits.value_bytes_max, ErrorCode::value_too_large);
}

ErrorCode finish(Reader& in, Body& body, ErrorCode malformed) noexcept {
  body.outer.close();
  if (in.ok() && !in.at_end()) in.reject();
  switch (in.error()) {
    case ErrorCode::ok:
    case ErrorCode::key_too_large:
    case ErrorCode::value_too_large:
      return in.error();
    default:
      return malformed;
  }
}

}  // namespace

void encode_head(const GetRequest& request, Bytes& head) {
  Writer(head).array(1).array(2).bin(request.key).uint(static_cast<std::uint8_t>(request.level));
}

void encode_head(const PutRequest& request, Bytes& head) {
  Writer out(head);
  out.array(2).array(3).bin(request.key);
  write_id(out, request.operation);
  write_window(out, request.window);
  out.bin_header(request.value.size());
}

void encode_head(const RemoveRequest& request, Bytes& head) {
  Writer out(head);
  out.array(1).array(3).bin(request.key);
  write_id(out, request.operation);
  write_window(out, request.window);
}

void encode_head(const CasRequest& request, Bytes& head) {
  Writer out(head);
  out.array(2).array(6).bin(request.key);
  write_id(out, request.operation);
  write_window(out, request.window);
  out.uint(static_cast<std::uint8_t>(request.expect));
  switch (request.expect) {
    case CasRequest::Expect::absent:
      out.nil();
      break;
    case CasRequest::Expect::value:
      out.bin(request.expected_value);
      break;
    case CasRequest::Expect::version:
      write_id(out, request.expected_version);
      break;
  }
  out.boolean(request.removes).bin_header(request.value.size());
}

void encode_head(const GetReply& reply, Bytes& head) {
  Writer out(head);
  out.array(2).array(2);
  write_hint(out, reply.hint);
  write_id(out, reply.version);
  out.bin_header(reply.value.size());
}

void encode_head(const WriteReply& reply, Bytes& head) {
  Writer out(head);
  out.array(1).array(2);
  write_hint(out, reply.hint);
  write_id_or_nil(out, reply.version);
}

void encode_head(const ResolveReply& reply, Bytes& head) {
  Writer out(head);
  out.array(1).array(2);
  write_hint(out, reply.hint);
  out.uint(static_cast<std::uint8_t>(reply.outcome));
}

ErrorCode decode(ByteView bytes, const DataLimits& limits, GetRequest& out) noexcept {
  Reader in(bytes, body_limits);
  Body body(in, 1, 2);
  out.key = read_key(in, limits);
  out.level = static_cast<Level>(in.read_uint(static_cast<std::uint8_t>(Level::majority)));
  body.fields.close();
  return finish(in, body, ErrorCode::bad_request);
}

ErrorCode decode(ByteView bytes, const DataLimits& limits, PutRequest& out) noexcept {
  Reader in(bytes, body_limits);
  Body body(in, 2, 3);
  out.key = read_key(in, limits);
  out.operation = read_id(in);
  out.window = read_window(in);
  body.fields.close();
  out.value = read_value(in, limits);
  return finish(in, body, ErrorCode::bad_request);
}

ErrorCode decode(ByteView bytes, const DataLimits& limits, RemoveRequest& out) noexcept {
  Reader in(bytes, body_limits);
  Body body(in, 1, 3);
  out.key = read_key(in, limits);
  out.operation = read_id(in);
  out.window = read_window(in);
  body.fields.close();
  return finish(in, body, ErrorCode::bad_request);
}

ErrorCode decode(ByteView bytes, const DataLimits& limits, CasRequest& out) noexcept {
  Reader in(bytes, body_limits);
  Body body(in, 2, 6);
  out.key = read_key(in, limits);
  out.operation = read_id(in);
  out.window = read_window(in);
  out.expect = static_cast<CasRequest::Expect>(
      in.read_uint(static_cast<std::uint8_t>(CasRequest::Expect::version)));
  out.expected_value = {};
  out.expected_version = {};
  if (out.expect == CasRequest::Expect::value) {
    out.expected_value = read_value(in, limits);
  } else if (out.expect == CasRequest::Expect::version) {
    out.expected_version = read_id(in);
  } else if (!in.try_nil()) {
    in.reject();
  }
  out.removes = in.read_bool();
  body.fields.close();
  out.value = read_value(in, limits);
  if (out.removes && !out.value.empty()) in.reject();
  return finish(in, body, ErrorCode::bad_request);
}

ErrorCode decode(ByteView bytes, const DataLimits& limits, GetReply& out) noexcept {
  Reader in(bytes, body_limits);
  Body body(in, 2, 2);
  out.hint = read_hint(in);
  out.version = read_id(in);
  body.fields.close();
  out.value = read_value(in, limits);
  return finish(in, body, ErrorCode::bad_envelope);
}

ErrorCode decode(ByteView bytes, WriteReply& out) noexcept {
  out = {};
  Reader in(bytes, body_limits);
  if (in.try_nil()) return in.at_end() ? ErrorCode::ok : ErrorCode::bad_envelope;
  Body body(in, 1, 2);
  out.hint = read_hint(in);
  out.version = read_id_or_nil(in);
  body.fields.close();
  return finish(in, body, ErrorCode::bad_envelope);
}

ErrorCode decode(ByteView bytes, ResolveReply& out) noexcept {
  Reader in(bytes, body_limits);
  Body body(in, 1, 2);
  out.hint = read_hint(in);
  out.outcome = static_cast<ResolveReply::Outcome>(
      in.read_uint(static_cast<std::uint8_t>(ResolveReply::Outcome::unknown)));
  body.fields.close();
  return finish(in, body, ErrorCode::bad_envelope);
}

}  // namespace grey::protocol
