// What is behind grey::Client: the table of operations under way, each a Flow, and the carrying out
// of what flows ask for. All of it runs on one strand; the functions that grey/client.h declares
// bring work there from any thread.
#pragma once
#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/strand.hpp>
#include <memory>
#include <unordered_map>
#include <vector>

#include <grey/client.h>
#include "client/config.h"
#include "client/links.h"
#include "transport/asio/asio_transport.h"

namespace grey::detail {

class ClientImpl final : public std::enable_shared_from_this<ClientImpl>,
                         private rpc::CallSink,
                         private client::Guide,
                         private client::LinkEvents {
 public:
  using Strand = boost::asio::strand<boost::asio::any_io_executor>;
  /// Reports an operation's end; called once.
  using Done = std::move_only_function<void(const client::FlowResult&, Bytes value)>;

  /// What a flow does not need to know.
  struct Payload {
    SharedBytes value;
    Expect expect;
    bool cas_removes = false;
  };

  ClientImpl(boost::asio::any_io_executor executor, client::Config config);
  ~ClientImpl() override;

  const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
  const Strand& strand() const noexcept { return strand_; }
  std::uint64_t new_operation() noexcept { return next_id_.fetch_add(1) + 1; }

  // On the strand:
  void begin();
  /// Ends everything that is under way.
  void shut_down();
  void start(std::uint64_t id, client::OperationType type, Bytes key, OperationOptions options,
             Payload payload, const client::Submission& question, Done done);
  void start_cluster(std::uint64_t id, OperationOptions options,
                     CompletionPtr<ClusterView> completion);
  void start_status(std::uint64_t id, NodeId node, OperationOptions options,
                    CompletionPtr<StatusResult> completion);
  void cancel(std::uint64_t id);

 private:
  struct Running;
  struct ClusterQuery {
    CompletionPtr<ClusterView> completion;
    transport::TimerId timer = 0;
  };
  struct StatusQuery {
    CompletionPtr<StatusResult> completion;
    NodeId node = 0;
    rpc::CallId call = 0;
  };

  // rpc::CallSink
  void on_reply(std::uint64_t id, const rpc::Reply& reply) override;
  // client::Guide
  void candidates(ByteView key, MonotonicTime now, std::vector<NodeId>& out) override;
  protocol::WireWindow window(ByteView key) override;
  OperationId next_operation() override;
  std::uint32_t reply_bytes_full() override;
  Error why_unreachable() override { return links_.why_unreachable(); }
  Random& random() override { return random_; }
  // client::LinkEvents
  void on_topology() override;
  void on_node_up(NodeId node) override;

  client::FlowReply read_reply(Running& running, const rpc::Reply& reply);
  void note_node(const Running& running, const rpc::Reply& reply);
  void carry_out(std::uint64_t id, client::Action action);
  bool send(std::uint64_t id, Running& running, const client::Action& action);
  void wake(std::uint64_t id);
  void wake_all_for_nodes();
  void finish(std::uint64_t id);
  void finish_cluster(std::uint64_t id, const boost::system::error_code& error);
  MonotonicTime deadline_of(const OperationOptions& options) const;

  const boost::asio::any_io_executor executor_;
  const Strand strand_;
  std::atomic<std::uint64_t> next_id_{0};
  client::Config config_;
  std::unique_ptr<transport::asio::AsioTransport> transport_;
  Random random_;
  client::ClusterMap map_;
  client::WindowBook book_;
  client::Links links_;
  Bytes head_;  // of the body being encoded; kept for its memory
  std::uint64_t next_sequence_ = 0;
  bool closed_ = false;
  std::unordered_map<std::uint64_t, std::unique_ptr<Running>> running_;
  std::unordered_map<std::uint64_t, ClusterQuery> cluster_queries_;
  std::unordered_map<std::uint64_t, StatusQuery> status_queries_;
};

}  // namespace grey::detail
