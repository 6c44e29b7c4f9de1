// What is behind grey::Client: an OperationTable on a strand, and the queries that are not
// operations. The functions that grey/client.h declares bring work to the strand from any thread.
#pragma once
#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/strand.hpp>
#include <memory>
#include <unordered_map>

#include <grey/client.h>
#include "client/operation_table.h"
#include "transport/asio/asio_transport.h"

namespace grey::detail {

class ClientImpl final : public std::enable_shared_from_this<ClientImpl> {
 public:
  using Strand = boost::asio::strand<boost::asio::any_io_executor>;
  using Done = client::OperationTable::Done;
  using Payload = client::OperationTable::Payload;

  ClientImpl(boost::asio::any_io_executor executor, client::Config config);
  ~ClientImpl();
  ClientImpl(const ClientImpl&) = delete;
  ClientImpl& operator=(const ClientImpl&) = delete;

  const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
  const Strand& strand() const noexcept { return strand_; }
  std::uint64_t new_operation() noexcept { return next_id_.fetch_add(1) + 1; }

  // On the strand:
  void begin() { operations_.begin(); }
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
  struct ClusterQuery {
    CompletionPtr<ClusterView> completion;
    transport::TimerId timer = 0;
  };
  struct StatusQuery {
    CompletionPtr<StatusResult> completion;
    NodeId node = 0;
    MonotonicTime deadline{};
    transport::TimerId timer = 0;  // while no topology is known
    rpc::CallId call = 0;
  };

  void on_topology();
  void finish_cluster(std::uint64_t id, const boost::system::error_code& error);
  void ask_status(std::uint64_t id);
  void finish_status(std::uint64_t id, ErrorCode code, StatusResult result);
  MonotonicTime deadline_of(const OperationOptions& options) const;

  const boost::asio::any_io_executor executor_;
  const Strand strand_;
  std::atomic<std::uint64_t> next_id_{0};
  std::unique_ptr<transport::asio::AsioTransport> transport_;
  bool closed_ = false;
  std::unordered_map<std::uint64_t, ClusterQuery> cluster_queries_;
  std::unordered_map<std::uint64_t, StatusQuery> status_queries_;
  client::OperationTable operations_;  // goes first: its links complete the queries' calls
};

}  // namespace grey::detail
