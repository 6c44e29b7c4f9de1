// A simulated program that uses the client library: the library's own operation table, links and
// retries (client/operation_table.h) on a host of the simulated world; only Boost.Asio is missing.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "client/operation_table.h"
#include "cluster/ring/topology.h"
#include "sim/full_stack/profile.h"
#include "sim/workload.h"
#include "transport/sim/sim_transport.h"

namespace grey::sim::full_stack {

/// What the client processes of a run have learnt and seen, together.
struct ClientRecords {
  std::unordered_map<ValueNumber, Version> versions;  // of values that were written or read
  std::map<ErrorCode, std::uint64_t> codes;           // how operations ended
  Duration latest{};       // the longest that one ran beyond its deadline
  Duration slowest{};      // operation
  std::string last_error;  // for people
  std::string damage;      // a value that nobody wrote came back
};

class ClientProcess final : public OperationRunner {
 public:
  ClientProcess(std::uint32_t client, transport::sim::World& world,
                const cluster::Topology& topology, const FullProfile& profile,
                ClientRecords& records, Random random);
  ~ClientProcess() override;

  void run(const HistoryEvent& operation, Duration timeout, Done done) override;
  /// Over a connection to that node alone: whether it serves, not whether the library gets around
  /// one that does not.
  void read_through(NodeId node, const HistoryEvent& read, Duration timeout, Done done) override;
  /// Ends the connections of read_through().
  void close_direct_links() { direct_.clear(); }

 private:
  client::OperationTable::Payload payload_of(const HistoryEvent& operation);
  void on_result(const HistoryEvent& operation, MonotonicTime deadline, const Done& done,
                 const client::FlowResult& result, const Bytes& value);
  void note_timing(const HistoryEvent& operation, MonotonicTime deadline);
  ValueNumber check_value(ByteView value);
  rpc::Channel& direct_link(NodeId node);

  transport::sim::World& world_;
  const cluster::Topology& topology_;
  const FullProfile& profile_;
  ClientRecords& records_;
  Random random_;
  transport::sim::SimTransport& transport_;
  client::OperationTable table_;
  std::map<NodeId, std::unique_ptr<rpc::Channel>> direct_;
};

/// The host of a client.
constexpr transport::sim::HostId client_host(std::uint32_t client) { return 100 + client; }

}  // namespace grey::sim::full_stack
