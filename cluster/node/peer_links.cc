#include "cluster/node/peer_links.h"

#include "base/check.h"
#include "cluster/node/peer_messages.h"

namespace grey::cluster {

PeerLinks::PeerLinks(transport::Transport& transport, const PeerLinkOptions& options,
                     const Topology& topology)
    : transport_(transport), options_(options) {
  for (const TopologyNode& node : topology.nodes) {
    if (node.id == options_.self) continue;
    rpc::ChannelOptions channel = options_.channel;
    const auto endpoint = transport::Endpoint::parse(node.endpoint);
    GREY_CHECK(endpoint.has_value());  // the configuration was checked
    channel.endpoint = *endpoint;
    channel.session.expected_node = node.id;
    channel.seed += node.id;
    peers_[node.id].channel = std::make_unique<rpc::Channel>(transport_, std::move(channel));
  }
}

PeerLinks::~PeerLinks() {
  // What is outstanding is completed from inside the channels' destructors: nobody listens any
  // more.
  node_ = nullptr;
  peers_.clear();
}

void PeerLinks::start(StoreNode& node) {
  node_ = &node;
  for (auto& [id, peer] : peers_) peer.channel->start();
}

void PeerLinks::drain(MonotonicTime deadline) {
  for (auto& [id, peer] : peers_) peer.channel->drain(deadline);
}

void PeerLinks::nudge(NodeId node) {
  const auto found = peers_.find(node);
  if (found != peers_.end() && !found->second.channel->is_connected()) {
    found->second.channel->connect_now();
  }
}

void PeerLinks::send(NodeId to, const RequestId& id, const ReplicaRequest& request) {
  const auto found = peers_.find(to);
  GREY_CHECK(found != peers_.end());
  std::uint32_t slot = free_head_;
  if (slot == no_slot) {
    slot = static_cast<std::uint32_t>(pending_.size());
    pending_.emplace_back();
  } else {
    free_head_ = pending_[slot].next_free;
  }
  pending_[slot] = {to, id, no_slot};

  head_.clear();
  protocol::Body body;
  body.value = encode_peer_request(request, head_);
  body.head = head_;
  rpc::CallOptions options;
  options.method = method_of(request);
  options.deadline = transport_.now() + options_.call_timeout;
  options.reply_bytes_max = reply_bytes_for(request);
  found->second.channel->call(options, body, *this, slot);
}

std::uint32_t PeerLinks::reply_bytes_for(const ReplicaRequest& request) const {
  constexpr std::uint32_t without_value = 1024;
  const auto* read = std::get_if<ReadRequest>(&request.body);
  const bool with_value =
      std::holds_alternative<PrepareRequest>(request.body) || (read != nullptr && read->want_value);
  return with_value ? without_value + static_cast<std::uint32_t>(options_.value_bytes_max)
                    : without_value;
}

void PeerLinks::on_reply(std::uint64_t cookie, const rpc::Reply& reply) {
  const auto slot = static_cast<std::uint32_t>(cookie);
  const Pending pending = pending_[slot];
  pending_[slot].next_free = free_head_;
  free_head_ = slot;
  if (node_ == nullptr) return;
  if (!reply.ok()) return node_->on_peer_silence(pending.to, pending.id);
  const auto decoded = decode_peer_reply(reply.body);
  if (!decoded) return node_->on_peer_silence(pending.to, pending.id);
  node_->on_peer_reply(pending.to, pending.id, *decoded);
}

bool PeerLinks::reachable(NodeId node) const {
  const auto found = peers_.find(node);
  return found != peers_.end() && found->second.channel->is_connected();
}

std::vector<PeerView> PeerLinks::view() const {
  std::vector<PeerView> out;
  for (const auto& [id, peer] : peers_) {
    out.push_back({id, peer.channel->state(), peer.channel->calls_outstanding()});
  }
  return out;
}

}  // namespace grey::cluster
