#include "cluster/node/node.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "cluster/node/peer_messages.h"

namespace grey::cluster {

namespace {

constexpr Duration ping_interval = std::chrono::milliseconds(250);
constexpr Duration liveness_timeout = std::chrono::milliseconds(750);
// Of the accepting side: only to find out who has vanished without a word. Long enough for a client
// that was frozen for ten seconds.
constexpr Duration vanished_ping_interval = std::chrono::seconds(5);
constexpr Duration vanished_timeout = std::chrono::seconds(15);
constexpr std::uint32_t handshakes_room = 16;
constexpr Duration watch_interval = std::chrono::milliseconds(200);

StoreNodeOptions store_options(const NodeConfig& config, const NodeEnvironment& environment) {
  StoreNodeOptions options;
  options.coordinator.epoch = config.topology.epoch;
  options.coordinator.self = config.node;
  options.coordinator.incarnation = environment.incarnation;
  options.replica.epoch = config.topology.epoch;
  const auto split = flowcontrol::MemoryBudget::split(config.memory_budget_bytes);
  const std::uint64_t state = split[static_cast<std::size_t>(flowcontrol::Pool::state)];
  options.replica.cache_bytes_max = state / 2;
  options.coordinator.cached_bytes_max = state / 8;
  const std::uint64_t engine = split[static_cast<std::size_t>(flowcontrol::Pool::engine)];
  options.replica.uncommitted_bytes_max =
      std::min(options.replica.uncommitted_bytes_max, static_cast<std::size_t>(engine / 8));
  return options;
}

}  // namespace

Node::Node(NodeConfig config, Ring ring, NodeEnvironment environment,
           std::move_only_function<void(Error)> on_fatal)
    : config_(std::move(config)),
      ring_(std::move(ring)),
      environment_(std::move(environment)),
      started_(environment_.transport.now()),
      limits_{protocol::limit::key_bytes, config_.value_bytes_max},
      budget_(flowcontrol::MemoryBudget::split(config_.memory_budget_bytes)),
      links_(std::make_unique<PeerLinks>(environment_.transport, link_options(), ring_.topology())),
      store_(store_options(config_, environment_), ring_, environment_.transport,
             environment_.engine, *links_, Random(environment_.seed), std::move(on_fatal)),
      clients_(store_, limits_, environment_.server_version, [this] { return status(); }),
      server_(std::make_unique<rpc::Server>(environment_.transport, server_options(),
                                            static_cast<rpc::RequestHandler&>(*this))) {}

Node::~Node() {
  if (watch_timer_ != 0) environment_.transport.cancel(watch_timer_);
  // Connections complete what is outstanding as they go; the store must still be there.
  server_.reset();
  links_.reset();
}

void Node::start(Done done) {
  store_.open([this, done = std::move(done)](Status opened) mutable {
    if (!opened) return done(std::move(opened));
    serve(std::move(done));
  });
}

void Node::serve(Done done) {
  const auto listen = transport::Endpoint::parse(config_.listen);
  if (!listen) return done(std::unexpected(listen.error()));
  if (Status listening = server_->listen(*listen); !listening) return done(std::move(listening));
  links_->start(store_);
  state_ = "serving";
  watch_peers();
  done({});
}

void Node::stop(MonotonicTime deadline, Task done) {
  state_ = "stopping";
  // What is under way may need another round: the links stay until the last request is answered.
  server_->drain(deadline, [this, done = std::move(done)]() mutable {
    links_->drain(environment_.transport.now());
    done();
  });
}

// ---- requests ---------------------------------------------------------------------------------

Status Node::authorise(const protocol::PeerInfo& peer) {
  if (peer.hello.role == protocol::PeerRole::client) return {};
  const NodeId node = peer.hello.node_id;
  if (node == config_.node || ring_.topology().find(node) == nullptr) {
    return fail(ErrorCode::wrong_identity,
                "node " + std::to_string(node) + " is not a peer in this topology");
  }
  links_->nudge(node);
  return {};
}

void Node::on_request(const rpc::IncomingRequest& request, rpc::Responder responder) {
  const bool of_nodes = request.method >= peer_method::read;
  if (!of_nodes) return clients_.on_request(request, std::move(responder));
  if (request.peer->hello.role != protocol::PeerRole::node) {
    (void)responder.refuse(ErrorCode::unauthorised, "only nodes may call this");
    return;
  }
  on_replica_request(request, std::move(responder));
}

void Node::on_replica_request(const rpc::IncomingRequest& request, rpc::Responder responder) {
  const auto decoded = decode_peer_request(request.method, request.body, limits_);
  if (!decoded) {
    (void)responder.refuse(decoded.error().code, decoded.error().detail);
    return;
  }
  store_.on_peer_request(*decoded,
                         [responder = std::move(responder)](const ReplicaReply& reply) mutable {
                           if (reply.error != ErrorCode::ok) {
                             (void)responder.refuse(reply.error);
                             return;
                           }
                           Bytes head;
                           const SharedBytes value = encode_peer_reply(reply, head);
                           (void)responder.answer({head, value});
                         });
}

// ---- status -----------------------------------------------------------------------------------

// Each change is told once: up, down, and down for another reason than before.
void Node::watch_peers() {
  for (const PeerView& peer : links_->view()) {
    const bool up = peer.state.phase == rpc::ChannelState::Phase::connected;
    PeerSeen& seen = peers_seen_[peer.node];
    const ErrorCode why = up ? ErrorCode::ok : peer.state.last_error.code;
    if (up && !seen.up) environment_.log.info("peer {}: connected", peer.node);
    if (!up && (seen.up || why != seen.why)) {
      environment_.log.warn("peer {}: {}: {}", peer.node, seen.up ? "lost" : "not reachable",
                            peer.state.last_error.message());
    }
    seen = {up, why};
  }
  watch_timer_ = environment_.transport.schedule_after(watch_interval, [this] { watch_peers(); });
}

protocol::NodeStatus Node::status() const {
  protocol::NodeStatus out;
  out.node = config_.node;
  out.incarnation = environment_.incarnation;
  out.state = state_;
  out.server_version = environment_.server_version;
  out.cluster_id = config_.topology.cluster_id;
  out.epoch = config_.topology.epoch;
  out.topology_hash = ring_.topology_hash();
  const Duration uptime = environment_.transport.now() - started_;
  out.uptime_ms = static_cast<std::uint64_t>(uptime / std::chrono::milliseconds(1));
  out.transport = environment_.transport.name();
  out.transport_reason = environment_.transport_reason;
  out.storage = environment_.engine.name();
  const ReplicaCounters& replica = store_.replica().counters();
  out.storage_figures = {{"replica_requests", replica.requests},
                         {"replica_changes", replica.changes},
                         {"commits", replica.commits},
                         {"cache_hits", replica.cache_hits},
                         {"cache_misses", replica.cache_misses},
                         {"cached_bytes", store_.replica().cached_bytes()},
                         {"faulty_records", replica.faulty_records}};
  const CoordinatorCounters& coordinator = store_.coordinator().counters();
  out.counters = {{"operations", coordinator.started},
                  {"operations_in_flight", store_.coordinator().in_flight()},
                  {"one_round_writes", coordinator.fast_writes},
                  {"prepares", coordinator.prepares},
                  {"read_rounds", coordinator.read_rounds},
                  {"outcomes_unknown", coordinator.unknown},
                  {"home_ranges", store_.coordinator().homes_held()},
                  {"range_promises", coordinator.range_promises},
                  {"range_promises_lost", coordinator.range_promises_lost},
                  {"connections", server_->connection_count()}};
  for (const PeerView& peer : links_->view()) {
    protocol::PeerStatus status;
    status.node = peer.node;
    status.endpoint = ring_.topology().find(peer.node)->endpoint;
    const bool up = peer.state.phase == rpc::ChannelState::Phase::connected;
    status.state = up ? "up" : "down";
    if (!up) status.last_error = peer.state.last_error.message();
    status.figures = {{"calls_outstanding", peer.calls_outstanding},
                      {"connections", peer.state.connections},
                      {"round_trip_us", static_cast<std::uint64_t>(peer.state.round_trip /
                                                                   std::chrono::microseconds(1))}};
    out.peers.push_back(std::move(status));
  }
  return out;
}

// ---- options ----------------------------------------------------------------------------------

protocol::SessionConfig Node::session_template() const {
  protocol::SessionConfig session;
  session.cluster_id = config_.topology.cluster_id;
  session.self = protocol::PeerRole::node;
  session.node_id = config_.node;
  session.incarnation = environment_.incarnation;
  session.topology_hash = ring_.topology_hash();
  // Prepares make room for a whole value in each answer.
  session.reply_bytes_outstanding_max = 4ull << 30;
  return session;
}

PeerLinkOptions Node::link_options() const {
  PeerLinkOptions options;
  options.self = config_.node;
  options.value_bytes_max = config_.value_bytes_max;
  options.channel.session = session_template();
  options.channel.connection.ping_interval = ping_interval;
  options.channel.connection.liveness_timeout = liveness_timeout;
  options.channel.backoff.cap = std::chrono::milliseconds(500);
  options.channel.random = environment_.random_bytes;
  options.channel.seed = environment_.seed;
  return options;
}

rpc::ServerOptions Node::server_options() {
  rpc::ServerOptions options;
  options.session = session_template();
  options.connection.ping_interval = vanished_ping_interval;
  options.connection.liveness_timeout = vanished_timeout;
  // The configured limit is that of clients. Nodes come with up to three lanes each, and some room
  // is for those that have not said yet who they are.
  options.connections_for_nodes =
      static_cast<std::uint32_t>(protocol::lane_count * ring_.topology().nodes.size()) +
      handshakes_room;
  options.connections_max = config_.connections_max + options.connections_for_nodes;
  options.random = environment_.random_bytes;
  options.authorise = [this](const protocol::PeerInfo& peer) { return authorise(peer); };
  return options;
}

}  // namespace grey::cluster
