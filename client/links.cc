#include "client/links.h"

#include <algorithm>
#include <utility>

namespace grey::client {
namespace {

constexpr Duration watch_interval = std::chrono::milliseconds(500);
/// After this long without any node the seeds are tried again.
constexpr Duration seeds_again_after = std::chrono::seconds(2);
constexpr Duration info_timeout = std::chrono::seconds(2);
constexpr std::uint32_t info_bytes_max = 1u << 20;

}  // namespace

struct Links::Link final : rpc::ChannelObserver {
  Link(Links& links, std::uint64_t number, NodeId node_id, transport::Endpoint where)
      : owner(links), id(number), node(node_id), endpoint(std::move(where)) {}
  void on_channel_state(const rpc::ChannelState& state) override { owner.on_state(*this, state); }

  Links& owner;
  std::uint64_t id;
  NodeId node;  // 0: a seed
  transport::Endpoint endpoint;
  bool asking = false;
  bool up = false;
  std::unique_ptr<rpc::Channel> channel;
};

Links::Links(transport::Transport& transport, const Config& config, ClusterMap& map,
             WindowBook& book, LinkEvents& events)
    : transport_(transport),
      config_(config),
      map_(map),
      book_(book),
      events_(events),
      cluster_id_(config.channel.session.cluster_id),
      random_(config.seed) {}

Links::~Links() { stop(); }

void Links::stop() {
  transport_.cancel(watch_);
  by_node_.clear();
  // Channels complete their calls from inside; those find no link any more.
  LinkMap dying;
  dying.swap(links_);
}

void Links::start() {
  last_up_ = transport_.now();
  start_seeds();
  watch();
}

void Links::start_seeds() {
  for (const transport::Endpoint& seed : config_.seeds) {
    const bool there = std::any_of(links_.begin(), links_.end(), [&](const auto& entry) {
      return entry.second->node == 0 && entry.second->endpoint == seed;
    });
    if (!there) add(0, seed);
  }
}

void Links::add(NodeId node, const transport::Endpoint& endpoint) {
  const std::uint64_t id = next_id_++;
  auto link = std::make_unique<Link>(*this, id, node, endpoint);
  rpc::ChannelOptions options = config_.channel;
  options.endpoint = endpoint;
  options.session.cluster_id = cluster_id_;
  options.session.expected_node = node;
  options.seed = random_.next();
  link->channel =
      std::make_unique<rpc::Channel>(transport_, std::move(options), nullptr, nullptr, link.get());
  Link& started = *link;
  links_.emplace(id, std::move(link));
  if (node != 0) by_node_[node] = id;
  started.channel->start();
}

void Links::remove(std::uint64_t id) {
  auto link = links_.extract(id);
  if (link.empty()) return;
  const NodeId node = link.mapped()->node;
  if (node != 0) {
    by_node_.erase(node);
    map_.set_up(node, false);
  }
}

rpc::Channel* Links::channel_of(NodeId node) {
  const auto found = by_node_.find(node);
  return found == by_node_.end() ? nullptr : links_.at(found->second)->channel.get();
}

void Links::on_state(Link& link, const rpc::ChannelState& state) {
  if (state.last_error && state.phase != rpc::ChannelState::Phase::connected) {
    last_error_ = {state.last_error.code,
                   link.endpoint.to_string() + ": " + state.last_error.message()};
  }
  const bool up = state.phase == rpc::ChannelState::Phase::connected;
  if (up == link.up) return;
  link.up = up;
  if (link.node != 0) map_.set_up(link.node, up);
  last_up_ = transport_.now();
  if (!up) return;
  ask(link);
  if (link.node != 0) events_.on_node_up(link.node);
}

void Links::refresh() {
  for (const auto& [id, link] : links_) {
    if (link->up) ask(*link);
  }
}

void Links::ask(Link& link) {
  if (std::exchange(link.asking, true)) return;
  link.channel->call({.method = protocol::method::cluster_info,
                      .deadline = transport_.now() + info_timeout,
                      .reply_bytes_max = info_bytes_max,
                      .tenant = config_.tenant,
                      .trace = {},
                      .idempotency = {}},
                     {}, [this, id = link.id](const rpc::Reply& reply) { on_info(id, reply); });
}

void Links::on_info(std::uint64_t id, const rpc::Reply& reply) {
  const auto found = links_.find(id);
  if (found == links_.end()) return;
  Link& link = *found->second;
  link.asking = false;
  Result<protocol::ClusterInfo> info = std::unexpected(reply.error());
  if (reply.ok()) info = protocol::decode_cluster_info(reply.body);
  if (info && !cluster_id_.empty() && info->cluster_id != cluster_id_) {
    info = fail(ErrorCode::wrong_cluster, "'" + info->cluster_id + "'");
  }
  if (info) return adopt(std::move(*info));
  last_error_ = {info.error().code, link.endpoint.to_string() + ": " + info.error().message()};
}

// A newer topology replaces the old one; the same one again tells of rounds and limits only.
void Links::adopt(protocol::ClusterInfo info) {
  book_.note_round(info.round_seen);
  const bool changed = !map_.known() || info.epoch > info_.epoch ||
                       (info.epoch == info_.epoch && info.nodes != info_.nodes);
  if (changed) {
    if (const Status adopted = map_.adopt(info); !adopted) {
      last_error_ = adopted.error();
      return;
    }
    book_.reset(info.epoch, map_.range_count());
    cluster_id_ = info.cluster_id;
    info_ = std::move(info);
  }
  reconcile();
  if (changed) events_.on_topology();
}

// Makes the links those of the topology. Seeds have done their work then.
void Links::reconcile() {
  std::map<NodeId, transport::Endpoint> wanted;
  for (const protocol::WireNode& node : info_.nodes) {
    if (const auto endpoint = transport::Endpoint::parse(node.endpoint)) {
      wanted.emplace(node.id, *endpoint);
    } else {
      last_error_ = endpoint.error();
    }
  }
  std::vector<std::uint64_t> obsolete;
  for (const auto& [id, link] : links_) {
    const auto target = wanted.find(link->node);
    if (target == wanted.end() || target->second != link->endpoint) {
      obsolete.push_back(id);
    } else {
      wanted.erase(target);
    }
  }
  for (const auto& [node, endpoint] : wanted) {
    if (const auto old = by_node_.find(node); old != by_node_.end()) {
      remove(std::uint64_t{old->second});
    }
    add(node, endpoint);
  }
  for (const std::uint64_t id : obsolete) remove(id);
}

void Links::watch() {
  watch_ = transport_.schedule_after(watch_interval, [this] {
    const MonotonicTime now = transport_.now();
    if (map_.any_up()) {
      last_up_ = now;
    } else if (now - last_up_ >= seeds_again_after) {
      start_seeds();
    }
    // A seed that answered something else is asked again.
    for (const auto& [id, link] : links_) {
      if (link->node == 0 && link->up) ask(*link);
    }
    watch();
  });
}

Error Links::why_unreachable() const { return last_error_; }

}  // namespace grey::client
