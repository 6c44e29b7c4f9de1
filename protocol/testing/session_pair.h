// Two sessions joined in memory, for tests and fuzz targets. Each end records what it was told; the
// bytes between them go through the caller's hands.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "protocol/session.h"

namespace grey::protocol::testing {

struct ReceivedRequest {
  std::uint64_t request_id = 0;
  std::uint32_t method = 0;
  std::uint32_t deadline_ms = 0;
  Bytes tenant{};
  Bytes body{};
  OperationId idempotency{};
  TraceContext trace{};
  Bytes baggage{};
  bool priority = false;
  ReplyTo reply_to{};
  CreditToken token{};
  bool chunked = false;
};
struct ReceivedResponse {
  std::uint64_t request_id = 0;
  std::uint64_t context = 0;
  ErrorCode code = ErrorCode::ok;
  Bytes detail{};
  std::uint32_t retry_after_ms = 0;
  Bytes body{};
};
struct ReceivedOneway {
  std::uint32_t method = 0;
  Bytes tenant{};
  Bytes body{};
  CreditToken token{};
};

/// Records every event. Keeps credit until the test releases it.
class RecordingEvents : public SessionEvents {
 public:
  void established(const PeerInfo& peer) override {
    ++established_count;
    peer_info = peer;
  }
  void request(const RequestView& r, ReplyTo reply_to, CreditToken token,
               const SharedBytes& chunked) override {
    requests.push_back({r.request_id, r.method, r.deadline_ms, Bytes(r.tenant), Bytes(r.body),
                        r.idempotency, r.trace, Bytes(r.trace.baggage), r.priority, reply_to, token,
                        !chunked.empty()});
  }
  void oneway(const OnewayView& o, CreditToken token, const SharedBytes&) override {
    oneways.push_back({o.method, Bytes(o.tenant), Bytes(o.body), token});
  }
  void response(const ResponseView& r, std::uint64_t context, const SharedBytes&) override {
    responses.push_back(
        {r.request_id, context, r.code, Bytes(r.detail), r.retry_after_ms, Bytes(r.body)});
  }
  void cancel(std::uint64_t request_id, ErrorCode) override { cancels.push_back(request_id); }
  void pong(std::uint64_t nonce) override { pongs.push_back(nonce); }
  void goaway(const GoAway& g) override { goaways.push_back(g.code); }
  void send_possible() override { ++send_possible_count; }
  bool admit(std::uint64_t bytes) override {
    if (bytes > admit_max - std::min(admit_max, admitted)) return false;
    admitted += bytes;
    return true;
  }
  void unadmit(std::uint64_t bytes) override { admitted -= bytes; }
  void failed(const Error& error) override {
    ++failed_count;
    failure = error;
  }
  /// Everything that was delivered to the application.
  std::size_t deliveries() const {
    return requests.size() + oneways.size() + responses.size() + cancels.size() + pongs.size() +
           goaways.size();
  }

  int established_count = 0;
  PeerInfo peer_info;
  std::vector<ReceivedRequest> requests;
  std::vector<ReceivedOneway> oneways;
  std::vector<ReceivedResponse> responses;
  std::vector<std::uint64_t> cancels;
  std::vector<std::uint64_t> pongs;
  std::vector<ErrorCode> goaways;
  int send_possible_count = 0;
  std::uint64_t admitted = 0;
  std::uint64_t admit_max = 256u << 20;
  int failed_count = 0;
  Error failure;
};

/// A valid configuration: node 1 connects to node 2 on the data lane.
inline SessionConfig example_config(SessionRole role) {
  SessionConfig config;
  config.role = role;
  config.cluster_id = "test-cluster";
  config.node_id = role == SessionRole::initiator ? 1 : 2;
  config.expected_node = role == SessionRole::initiator ? 2 : 0;
  config.incarnation = 7;
  config.topology_hash = 0x1122334455667788;
  config.node_secret = "a secret that only the nodes know";
  config.client_secret = "a secret that the clients know too";
  for (std::size_t i = 0; i < config.random.size(); ++i) {
    config.random[i] = static_cast<char>(i * 7 + (role == SessionRole::initiator ? 1 : 101));
  }
  return config;
}

struct Side {
  explicit Side(SessionConfig config) : session(std::move(config), events) {}
  RecordingEvents events;
  Session session;
  bool has_failed(ErrorCode code) const {
    return events.failed_count == 1 && events.failure.code == code;
  }
};

/// Takes everything that a session has to send, as one string.
inline Bytes take_all(Session& session, Instant at) {
  Bytes all;
  SendBatch batch;
  while (session.has_output()) {
    session.take_output(batch, at);
    all += batch.flatten();
    batch.clear();
  }
  return all;
}

class SessionPair {
 public:
  SessionPair()
      : SessionPair(example_config(SessionRole::initiator), example_config(SessionRole::acceptor)) {
  }
  SessionPair(SessionConfig initiator_config, SessionConfig acceptor_config)
      : initiator(std::move(initiator_config)), acceptor(std::move(acceptor_config)) {}

  /// start() on both, then run().
  void handshake() {
    initiator.session.start(at);
    acceptor.session.start(at);
    run();
  }
  /// Carries bytes until neither side has any, in pieces of at most `piece_max` bytes.
  void run(std::size_t piece_max = ~std::size_t{0}) {
    for (bool moved = true; moved;) {
      moved = carry(initiator, acceptor, piece_max);
      moved = carry(acceptor, initiator, piece_max) || moved;
    }
  }
  /// One direction, once. True if there was anything.
  bool carry(Side& from, Side& to, std::size_t piece_max = ~std::size_t{0}) {
    if (!from.session.has_output()) return false;
    SendBatch batch;
    from.session.take_output(batch, at);
    const Bytes bytes = batch.flatten();
    for (std::size_t i = 0; i < bytes.size(); i += std::min(piece_max, bytes.size() - i)) {
      to.session.receive(ByteView(bytes).substr(i, piece_max), at);
    }
    return true;
  }
  void advance(Duration by) {
    at.now += by;
    at.unix_ns += by.count();
  }

  Instant at{MonotonicTime(std::chrono::hours(1)), 1'700'000'000'000'000'000};
  Side initiator;
  Side acceptor;
};

}  // namespace grey::protocol::testing
