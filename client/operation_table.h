// The operations of one client that are under way, each a Flow, and the carrying out of what flows
// ask for over the links to the nodes. Knows the transport seam and nothing of Asio: what
// grey::Client runs on its strand runs in the simulator as it is.
//
// Only for the loop's thread.
#pragma once
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include <grey/types.h>
#include "client/config.h"
#include "client/links.h"

namespace grey::client {

class OperationTable final : private rpc::CallSink, private Guide, private LinkEvents {
 public:
  /// Reports an operation's end; called once.
  using Done = std::move_only_function<void(const FlowResult&, Bytes value)>;

  /// What a flow does not need to know.
  struct Payload {
    SharedBytes value;
    Expect expect;
    bool cas_removes = false;
  };

  /// `transport` outlives the table. `on_topology` (may be empty) is called after a topology was
  /// learnt, the first or a newer one.
  OperationTable(transport::Transport& transport, Config config,
                 std::function<void()> on_topology = {});
  /// What is under way is dropped unreported; see shut_down().
  ~OperationTable();
  OperationTable(const OperationTable&) = delete;
  OperationTable& operator=(const OperationTable&) = delete;

  /// Begins to connect.
  void begin() { links_.start(); }
  /// Ends everything that is under way, and refuses what comes later with `cancelled`.
  void shut_down();

  /// `id` is not in use. With type resolve, `question` is what it asks about.
  void start(std::uint64_t id, OperationType type, Bytes key, MonotonicTime deadline,
             Payload payload, const Submission& question, Done done);
  /// False if there is no such operation (any more).
  bool cancel(std::uint64_t id);
  std::size_t size() const noexcept { return running_.size(); }

  const Config& config() const noexcept { return config_; }
  Links& links() noexcept { return links_; }
  /// A topology is known.
  bool knows_cluster() const noexcept { return map_.known(); }

 private:
  struct Running;

  // rpc::CallSink
  void on_reply(std::uint64_t id, const rpc::Reply& reply) override;
  // Guide
  void candidates(ByteView key, MonotonicTime now, std::vector<NodeId>& out) override;
  protocol::WireWindow window(ByteView key) override;
  OperationId next_operation() override;
  std::uint32_t reply_bytes_full() override;
  Error why_unreachable() override { return links_.why_unreachable(); }
  Random& random() override { return random_; }
  // LinkEvents
  void on_topology() override;
  void on_node_up(NodeId node) override;

  FlowReply read_reply(Running& running, const rpc::Reply& reply);
  void note_node(const Running& running, const rpc::Reply& reply);
  void carry_out(std::uint64_t id, Action action);
  bool send(std::uint64_t id, Running& running, const Action& action);
  void wake(std::uint64_t id);
  void wake_all_for_nodes();
  void finish(std::uint64_t id);

  transport::Transport& transport_;
  Config config_;
  std::function<void()> on_topology_;
  Random random_;
  ClusterMap map_;
  WindowBook book_;
  Links links_;
  Bytes head_;  // of the body being encoded; kept for its memory
  std::uint64_t next_sequence_ = 0;
  bool closed_ = false;
  std::unordered_map<std::uint64_t, std::unique_ptr<Running>> running_;
};

}  // namespace grey::client
