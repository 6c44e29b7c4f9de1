#include "cluster/node/client_service.h"

#include <utility>

#include "cluster/ring/token.h"

namespace grey::cluster {

namespace {

namespace method = protocol::method;

Ballot from_wire(const protocol::WireBallot& b) {
  return {b.epoch, b.round, b.node, b.incarnation, b.sequence};
}

protocol::WireBallot to_wire(const Ballot& b) {
  return {b.epoch, b.round, b.node, b.incarnation, b.sequence};
}

BallotWindow from_wire(const protocol::WireWindow& window) {
  return {window.epoch, from_wire(window.low), window.round_high};
}

protocol::WireHint hint_of(const OperationResult& result) {
  protocol::WireHint hint;
  hint.round_seen = result.round_seen;
  if (result.home_ballot) hint.home = to_wire(result.home_ballot);
  return hint;
}

Expectation expectation_of(const protocol::CasRequest& cas) {
  Expectation expected;
  switch (cas.expect) {
    case protocol::CasRequest::Expect::absent:
      break;
    case protocol::CasRequest::Expect::value:
      expected.kind = Expectation::Kind::value;
      expected.value = SharedBytes::copy_of(cas.expected_value);
      break;
    case protocol::CasRequest::Expect::version:
      expected.kind = Expectation::Kind::version;
      expected.version = cas.expected_version;
      break;
  }
  return expected;
}

/// Decodes a data method's body; `key` is a view into it.
ErrorCode decode_operation(std::uint32_t which, ByteView body, const protocol::DataLimits& limits,
                           ByteView& key, OperationRequest& out) {
  ErrorCode error = ErrorCode::unknown_method;
  if (which == method::get) {
    protocol::GetRequest get;
    error = protocol::decode(body, limits, get);
    key = get.key;
    out.kind = OperationKind::get;
  } else if (which == method::put) {
    protocol::PutRequest put;
    error = protocol::decode(body, limits, put);
    key = put.key;
    out.kind = OperationKind::put;
    out.id = put.operation;
    out.window = from_wire(put.window);
    out.value = SharedBytes::copy_of(put.value);
  } else if (which == method::remove || which == method::resolve) {
    protocol::RemoveRequest remove;
    error = protocol::decode(body, limits, remove);
    key = remove.key;
    out.kind = which == method::remove ? OperationKind::remove : OperationKind::resolve;
    out.id = remove.operation;
    out.window = from_wire(remove.window);
  } else if (which == method::cas) {
    protocol::CasRequest cas;
    error = protocol::decode(body, limits, cas);
    key = cas.key;
    out.kind = OperationKind::cas;
    out.id = cas.operation;
    out.window = from_wire(cas.window);
    out.expected = expectation_of(cas);
    out.cas_removes = cas.removes;
    if (!cas.removes) out.value = SharedBytes::copy_of(cas.value);
  }
  return error;
}

void answer_get(const OperationResult& result, rpc::Responder& responder) {
  Bytes head;
  encode_head(
      protocol::GetReply{hint_of(result), result.record.operation, result.record.value.view()},
      head);
  // A reply larger than the client allows has become reply_too_large by the responder's doing.
  (void)responder.answer({head, result.record.value});
}

void answer_resolve(const OperationResult& result, rpc::Responder& responder) {
  using Outcome = protocol::ResolveReply::Outcome;
  const Outcome outcome = result.error == ErrorCode::ok          ? Outcome::applied
                          : result.error == ErrorCode::cancelled ? Outcome::never
                                                                 : Outcome::unknown;
  Bytes head;
  encode_head(protocol::ResolveReply{hint_of(result), outcome}, head);
  (void)responder.answer({head, {}});
}

}  // namespace

void ClientService::on_request(const rpc::IncomingRequest& request, rpc::Responder responder) {
  if (request.method == method::cluster_info) return answer_cluster_info(responder);
  if (request.method == method::status) return answer_status(responder);
  OperationRequest operation;
  ByteView key;
  const ErrorCode error = decode_operation(request.method, request.body, limits_, key, operation);
  if (error != ErrorCode::ok) {
    (void)responder.refuse(error);
    return;
  }
  if (request.tenant.empty() || request.tenant.size() > protocol::limit::tenant_bytes) {
    (void)responder.refuse(ErrorCode::tenant_invalid);
    return;
  }
  operation.key = KeyName::make(request.tenant, key, token_of(request.tenant, key));
  run(std::move(operation), request, std::move(responder));
}

void ClientService::run(OperationRequest operation, const rpc::IncomingRequest& request,
                        rpc::Responder responder) {
  const OperationKind kind = operation.kind;
  node_.submit(std::move(operation), request.deadline,
               [kind, responder = std::move(responder)](const OperationResult& result) mutable {
                 answer(kind, result, responder);
               });
}

void ClientService::answer(OperationKind kind, const OperationResult& result,
                           rpc::Responder& responder) {
  if (kind == OperationKind::get && result.error == ErrorCode::ok) {
    return answer_get(result, responder);
  }
  const bool settled = result.error == ErrorCode::ok || result.error == ErrorCode::cancelled ||
                       result.error == ErrorCode::outcome_unknown;
  if (kind == OperationKind::resolve && settled) return answer_resolve(result, responder);
  Bytes head;
  // A version names a value; a removal's operation names none.
  const OperationId version = result.record.has_value() ? result.record.operation : OperationId{};
  encode_head(protocol::WriteReply{hint_of(result), version}, head);
  protocol::ResponseOptions options;
  options.code = result.error;
  (void)responder.answer(options, {head, {}});
}

void ClientService::answer_cluster_info(rpc::Responder& responder) const {
  const Topology& topology = node_.ring().topology();
  protocol::ClusterInfo info;
  info.epoch = topology.epoch;
  info.cluster_id = topology.cluster_id;
  info.replication_factor = topology.replication_factor;
  info.virtual_nodes = topology.virtual_nodes;
  for (const TopologyNode& node : topology.nodes) {
    info.nodes.push_back({node.id, node.endpoint, node.rack, node.zone});
  }
  info.self = node_.self();
  info.round_seen = node_.coordinator().highest_round();
  info.value_bytes_max = limits_.value_bytes_max;
  info.server_version = server_version_;
  Bytes head;
  encode_head(info, head);
  (void)responder.answer({head, {}});
}

void ClientService::answer_status(rpc::Responder& responder) const {
  Bytes head;
  encode_status(status_(), head);
  (void)responder.answer({head, {}});
}

}  // namespace grey::cluster
