#include "client/convert.h"

#include <boost/asio/error.hpp>

namespace grey::detail {

boost::system::error_code to_error_code(ErrorCode code) noexcept {
  if (code == ErrorCode::ok) return {};
  if (code == ErrorCode::cancelled) return boost::asio::error::operation_aborted;
  return make_error_code(static_cast<errc>(code));
}

OperationId id_of(const Version& version) noexcept {
  return {{version.client_high, version.client_low}, version.sequence};
}

Version version_of(const OperationId& id) noexcept {
  return {id.client.high, id.client.low, id.sequence};
}

WriteToken token_of(const client::Submission& submission) noexcept {
  const protocol::WireBallot& low = submission.window.low;
  return {.operation = version_of(submission.operation),
          .epoch = submission.window.epoch,
          .low = {low.epoch, low.round, low.node, low.incarnation, low.sequence},
          .round_high = submission.window.round_high};
}

client::Submission submission_of(const WriteToken& token) noexcept {
  client::Submission out;
  out.operation = id_of(token.operation);
  out.window.epoch = token.epoch;
  out.window.low = {token.low[0], token.low[1], static_cast<NodeId>(token.low[2]), token.low[3],
                    token.low[4]};
  out.window.round_high = token.round_high;
  return out;
}

ClusterView view_of(const protocol::ClusterInfo& info) {
  ClusterView view;
  view.cluster_id = info.cluster_id;
  view.epoch = info.epoch;
  view.replication_factor = info.replication_factor;
  view.value_bytes_max = info.value_bytes_max;
  view.server_version = info.server_version;
  for (const protocol::WireNode& node : info.nodes) {
    view.nodes.push_back({node.id, node.endpoint, node.rack, node.zone, false, {}});
  }
  return view;
}

}  // namespace grey::detail
