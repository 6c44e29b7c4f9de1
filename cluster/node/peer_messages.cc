#include "cluster/node/peer_messages.h"

#include "base/endian.h"
#include "cluster/register/record_codec.h"
#include "cluster/ring/token.h"
#include "protocol/messages.h"
#include "protocol/msgpack_reader.h"
#include "protocol/msgpack_writer.h"

namespace grey::cluster {

namespace {

using msgpack::Reader;
using msgpack::Writer;

// READ:          [[epoch, range, key, want_value]]
// PREPARE:       [[epoch, range, key, ballot]]
// ACCEPT:        [[epoch, range, key, record...], value]
// PREPARE_RANGE: [[epoch, range, ballot]]
// record...:     ballot, kind, base or nil, client id and sequence
// reply:         [[epoch, granted, range promise, key promise, purge floor, value included,
//                  record...], value]
// Ballots and ids are binaries of 36 and 16 bytes: nodes of one cluster run close versions, and
// these are most of what they say.
constexpr msgpack::Limits limits_of_body{
    .depth_max = 4, .elements_max = 64, .str_bytes_max = 255, .bin_bytes_max = ~0u};
constexpr std::uint32_t record_fields = 5;

void write_ballot(Writer& out, const Ballot& ballot) {
  Bytes raw;
  append_ballot(raw, ballot);
  out.bin(raw);
}

Ballot read_ballot(Reader& in) {
  Ballot ballot;
  ByteView raw = in.read_bin_exactly(ballot_size_bytes);
  if (in.ok() && (!take_ballot(raw, ballot) || ballot.round >= peer_round_end)) {
    in.reject();
  }
  return ballot;
}

void write_record(Writer& out, const Record& record) {
  write_ballot(out, record.ballot);
  out.uint(static_cast<std::uint64_t>(record.kind));
  if (record.base) {
    write_ballot(out, *record.base);
  } else {
    out.nil();
  }
  char raw[16];
  store_be(raw, record.operation.client.high);
  store_be(raw + 8, record.operation.client.low);
  out.bin({raw, sizeof raw}).uint(record.operation.sequence);
}

Record read_record(Reader& in) {
  Record record;
  record.ballot = read_ballot(in);
  record.kind = static_cast<RecordKind>(in.read_uint(2));
  if (!in.try_nil()) record.base = read_ballot(in);
  const ByteView raw = in.read_bin_exactly(16);
  record.operation.sequence = in.read_uint();
  if (!in.ok()) return record;
  record.operation.client = {load_be<std::uint64_t>(raw.data()),
                             load_be<std::uint64_t>(raw.data() + 8)};
  if (record.base && *record.base >= record.ballot) in.reject();
  return record;
}

void skip_rest(Reader& in, std::uint32_t present, std::uint32_t known) {
  for (std::uint32_t i = known; i < present && in.ok(); ++i) in.skip();
}

KeyName read_key(Reader& in, const protocol::DataLimits& limits) {
  KeyName name;
  const ByteView packed = in.read_bin();
  if (!in.ok()) return name;
  const std::size_t tenant_size = packed.empty() ? 0 : static_cast<unsigned char>(packed[0]);
  if (tenant_size > protocol::limit::tenant_bytes || packed.size() < 2 + tenant_size ||
      packed.size() > 1 + tenant_size + limits.key_bytes_max) {
    in.reject();
    return name;
  }
  name.packed = Bytes(packed);
  name.token = token_of(name.tenant(), name.key());
  return name;
}

}  // namespace

std::uint32_t method_of(const ReplicaRequest& request) noexcept {
  return peer_method::read + static_cast<std::uint32_t>(request.body.index());
}

SharedBytes encode_peer_request(const ReplicaRequest& request, Bytes& head) {
  Writer out(head);
  const auto begin = [&](std::size_t parts, std::size_t fields) {
    out.array(parts).array(fields).uint(request.epoch).uint(request.range);
  };
  if (const auto* read = std::get_if<ReadRequest>(&request.body)) {
    begin(1, 4);
    out.bin(request.key.packed).boolean(read->want_value);
  } else if (const auto* prepare = std::get_if<PrepareRequest>(&request.body)) {
    begin(1, 4);
    out.bin(request.key.packed);
    write_ballot(out, prepare->ballot);
  } else if (const auto* accept = std::get_if<AcceptRequest>(&request.body)) {
    begin(2, 3 + record_fields);
    out.bin(request.key.packed);
    write_record(out, accept->record);
    out.bin_header(accept->record.value.size());
    return accept->record.value;
  } else if (const auto* range = std::get_if<PrepareRangeRequest>(&request.body)) {
    begin(1, 3);
    write_ballot(out, range->ballot);
  }
  return {};
}

Result<ReplicaRequest> decode_peer_request(std::uint32_t method, ByteView body,
                                           const protocol::DataLimits& limits) {
  Reader in(body, limits_of_body);
  const bool has_value = method == peer_method::accept;
  const bool of_range = method == peer_method::prepare_range;
  const std::uint32_t known = has_value ? 3 + record_fields : of_range ? 3 : 4;
  const std::uint32_t parts = in.read_array_at_least(has_value ? 2 : 1);
  const std::uint32_t fields = in.read_array_at_least(known);
  ReplicaRequest request;
  request.epoch = in.read_uint();
  request.range = in.read_uint();
  if (!of_range) request.key = read_key(in, limits);
  switch (method) {
    case peer_method::read:
      request.body = ReadRequest{in.read_bool()};
      break;
    case peer_method::prepare:
      request.body = PrepareRequest{read_ballot(in)};
      break;
    case peer_method::prepare_range:
      request.body = PrepareRangeRequest{read_ballot(in)};
      break;
    case peer_method::accept: {
      AcceptRequest accept{read_record(in)};
      skip_rest(in, fields, known);
      const ByteView value = in.read_bin(limits.value_bytes_max);
      const Record& record = accept.record;
      if (record.kind == RecordKind::absent || (!record.has_value() && !value.empty())) {
        in.reject();
      }
      if (in.ok() && record.has_value()) accept.record.value = SharedBytes::copy_of(value);
      request.body = std::move(accept);
      break;
    }
    default:
      return fail(ErrorCode::unknown_method);
  }
  if (!has_value) skip_rest(in, fields, known);
  skip_rest(in, parts, has_value ? 2 : 1);
  if (!in.ok() || !in.at_end()) return fail(ErrorCode::bad_request, "malformed replica request");
  return request;
}

SharedBytes encode_peer_reply(const ReplicaReply& reply, Bytes& head) {
  Writer out(head);
  out.array(2).array(6 + record_fields).uint(reply.epoch).boolean(reply.granted);
  write_ballot(out, reply.range_promise);
  write_ballot(out, reply.key_promise);
  write_ballot(out, reply.purge_floor);
  out.boolean(reply.value_included);
  write_record(out, reply.record);
  out.bin_header(reply.record.value.size());
  return reply.record.value;
}

Result<ReplicaReply> decode_peer_reply(ByteView body) {
  Reader in(body, limits_of_body);
  const std::uint32_t parts = in.read_array_at_least(2);
  const std::uint32_t fields = in.read_array_at_least(6 + record_fields);
  ReplicaReply reply;
  reply.epoch = in.read_uint();
  reply.granted = in.read_bool();
  reply.range_promise = read_ballot(in);
  reply.key_promise = read_ballot(in);
  reply.purge_floor = read_ballot(in);
  reply.value_included = in.read_bool();
  reply.record = read_record(in);
  skip_rest(in, fields, 6 + record_fields);
  const ByteView value = in.read_bin();
  if (!reply.record.has_value() && !value.empty()) in.reject();
  skip_rest(in, parts, 2);
  if (!in.ok() || !in.at_end()) return fail(ErrorCode::bad_envelope, "malformed replica reply");
  if (!value.empty()) reply.record.value = SharedBytes::copy_of(value);
  return reply;
}

}  // namespace grey::cluster
