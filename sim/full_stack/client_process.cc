#include "sim/full_stack/client_process.h"

#include <utility>

#include "base/check.h"
#include "client/convert.h"

namespace grey::sim::full_stack {

namespace {

constexpr const char* tenant = "sim";

Bytes key_bytes(std::uint32_t key) { return "key" + std::to_string(key); }

rpc::RandomBytes seeded_bytes(Random random) {
  return [state = std::make_shared<Random>(random)] {
    std::array<char, 32> out;
    for (char& c : out) c = static_cast<char>(state->next());
    return out;
  };
}

// The library's own defaults, but nothing drawn from the system.
client::Config make_config(std::uint32_t client, const cluster::Topology& topology,
                           Random& random) {
  Options options;
  for (const cluster::TopologyNode& node : topology.nodes) options.seeds.push_back(node.endpoint);
  options.tenant = tenant;
  auto config = client::Config::make(options);
  GREY_CHECK(config.has_value());
  config->client_id = {client + 1, random.next()};
  config->seed = random.next();
  config->channel.random = seeded_bytes(random.fork());
  config->channel.session.client_id = config->client_id;
  return *std::move(config);
}

client::OperationType type_of(EventKind kind) {
  switch (kind) {
    case EventKind::get:
      return client::OperationType::get;
    case EventKind::put:
      return client::OperationType::put;
    case EventKind::remove:
      return client::OperationType::remove;
    case EventKind::cas:
      break;
  }
  return client::OperationType::cas;
}

EventOutcome outcome_of(EventKind kind, ErrorCode code) {
  switch (code) {
    case ErrorCode::ok:
      return EventOutcome::applied;
    case ErrorCode::not_found:
      return kind == EventKind::get ? EventOutcome::applied : EventOutcome::not_applied;
    case ErrorCode::precondition_failed:
      return EventOutcome::mismatched;
    case ErrorCode::outcome_unknown:
      return EventOutcome::unknown;
    default:
      return EventOutcome::not_applied;
  }
}

}  // namespace

ClientProcess::ClientProcess(std::uint32_t client, transport::sim::World& world,
                             const cluster::Topology& topology, const FullProfile& profile,
                             ClientRecords& records, Random random)
    : world_(world),
      topology_(topology),
      profile_(profile),
      records_(records),
      random_(random),
      transport_(world.transport(client_host(client))),
      table_(transport_, make_config(client, topology, random_)) {
  transport_.post([this] { table_.begin(); });
}

ClientProcess::~ClientProcess() = default;

void ClientProcess::run(const HistoryEvent& operation, Duration timeout, Done done) {
  const MonotonicTime deadline = world_.now() + timeout;
  transport_.post([this, operation, deadline, done = std::move(done)] {
    table_.start(operation.sequence, type_of(operation.kind), key_bytes(operation.key), deadline,
                 payload_of(operation), {},
                 [this, operation, deadline, done](const client::FlowResult& result, Bytes value) {
                   on_result(operation, deadline, done, result, value);
                 });
  });
}

client::OperationTable::Payload ClientProcess::payload_of(const HistoryEvent& operation) {
  client::OperationTable::Payload payload;
  if (operation.written != 0) {
    payload.value = SharedBytes(text_of(operation.written, profile_.values));
  }
  if (operation.kind != EventKind::cas) return payload;
  payload.cas_removes = operation.written == 0;
  if (operation.expected == 0) return payload;
  const auto version = records_.versions.find(operation.expected);
  if (version != records_.versions.end() && random_.chance(0.5)) {
    payload.expect = Expect::version(version->second);
  } else {
    payload.expect = Expect::value(text_of(operation.expected, profile_.values));
  }
  return payload;
}

void ClientProcess::on_result(const HistoryEvent& operation, MonotonicTime deadline,
                              const Done& done, const client::FlowResult& result,
                              const Bytes& value) {
  note_timing(operation, deadline);
  ++records_.codes[result.code];
  const EventOutcome outcome = outcome_of(operation.kind, result.code);
  if (outcome == EventOutcome::not_applied || outcome == EventOutcome::unknown) {
    records_.last_error = "key " + std::to_string(operation.key) + ", client " +
                          std::to_string(operation.client) + ": " +
                          Error{result.code, result.detail}.message();
  }
  ValueNumber seen = 0;
  if (result.code == ErrorCode::ok) {
    if (operation.kind == EventKind::get) seen = check_value(value);
    const ValueNumber held = operation.kind == EventKind::get ? seen : operation.written;
    if (held != 0) records_.versions[held] = detail::version_of(result.version);
  }
  done(outcome, seen);
}

void ClientProcess::note_timing(const HistoryEvent& operation, MonotonicTime deadline) {
  const MonotonicTime now = world_.now();
  records_.slowest = std::max(records_.slowest, now - operation.invoked);
  if (now > deadline) records_.latest = std::max(records_.latest, now - deadline);
}

ValueNumber ClientProcess::check_value(ByteView value) {
  const auto number = number_of(value, profile_.values);
  if (!number) records_.damage = "a value of " + std::to_string(value.size()) + " bytes is damaged";
  return number.value_or(0);
}

rpc::Channel& ClientProcess::direct_link(NodeId node) {
  auto& channel = direct_[node];
  if (channel == nullptr) {
    rpc::ChannelOptions options = table_.config().channel;
    const auto endpoint = transport::Endpoint::parse(topology_.find(node)->endpoint);
    GREY_CHECK(endpoint.has_value());
    options.endpoint = *endpoint;
    options.session.expected_node = node;
    channel = std::make_unique<rpc::Channel>(transport_, std::move(options));
    channel->start();
  }
  return *channel;
}

void ClientProcess::read_through(NodeId node, const HistoryEvent& read, Duration timeout,
                                 Done done) {
  const MonotonicTime deadline = world_.now() + timeout;
  transport_.post([this, node, read, deadline, done = std::move(done)] {
    Bytes head;
    const Bytes key = key_bytes(read.key);
    protocol::encode_head(protocol::GetRequest{.key = key}, head);
    rpc::CallOptions options;
    options.method = protocol::method::get;
    options.deadline = deadline;
    options.reply_bytes_max = protocol::limit::value_bytes_default;
    options.tenant = tenant;
    direct_link(node).call(
        options, {.head = head, .value = {}},
        [this, node, read, deadline, done](const rpc::Reply& reply) {
          note_timing(read, deadline);
          if (reply.code == ErrorCode::not_found) return done(EventOutcome::applied, 0);
          protocol::GetReply got;
          if (reply.ok() && protocol::decode(reply.body, {}, got) == ErrorCode::ok) {
            return done(EventOutcome::applied, check_value(got.value));
          }
          records_.last_error = "node " + std::to_string(node) + ": " + reply.error().message();
          done(EventOutcome::not_applied, 0);
        });
  });
}

}  // namespace grey::sim::full_stack
