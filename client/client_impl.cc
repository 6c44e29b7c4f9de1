#include "client/client_impl.h"

#include <algorithm>
#include <boost/system/system_error.hpp>
#include <utility>

#include "base/check.h"
#include "client/convert.h"

namespace grey::detail {
namespace {

constexpr std::uint32_t status_reply_bytes = 4u << 20;

std::unique_ptr<transport::asio::AsioTransport> make_transport(const ClientImpl::Strand& strand) {
  auto transport = transport::asio::AsioTransport::create(boost::asio::any_io_executor(strand));
  if (!transport) {
    throw boost::system::system_error(to_error_code(transport.error().code),
                                      transport.error().detail);
  }
  return std::move(*transport);
}

}  // namespace

ClientImpl::ClientImpl(boost::asio::any_io_executor executor, client::Config config)
    : executor_(std::move(executor)),
      strand_(boost::asio::make_strand(executor_)),
      transport_(make_transport(strand_)),
      operations_(*transport_, std::move(config), [this] { on_topology(); }) {}

// There is something under way here only if the execution context was destroyed first: those
// handlers are destroyed uncalled then, as Asio's own are.
ClientImpl::~ClientImpl() {
  const auto cluster_queries = std::exchange(cluster_queries_, {});
  const auto status_queries = std::exchange(status_queries_, {});
}

MonotonicTime ClientImpl::deadline_of(const OperationOptions& options) const {
  Duration timeout = operations_.config().timeout;
  if (options.timeout) {
    timeout = std::clamp<Duration>(*options.timeout, std::chrono::milliseconds(1),
                                   std::chrono::hours(24));
  }
  return transport_->now() + timeout;
}

void ClientImpl::start(std::uint64_t id, client::OperationType type, Bytes key,
                       OperationOptions options, Payload payload,
                       const client::Submission& question, Done done) {
  operations_.start(id, type, std::move(key), deadline_of(options), std::move(payload), question,
                    std::move(done));
}

void ClientImpl::cancel(std::uint64_t id) {
  if (operations_.cancel(id)) return;
  if (cluster_queries_.contains(id)) {
    finish_cluster(id, to_error_code(ErrorCode::cancelled));
  } else if (const auto query = status_queries_.find(id); query != status_queries_.end()) {
    if (query->second.call == 0) return finish_status(id, ErrorCode::cancelled, {});
    rpc::Channel* channel = operations_.links().channel_of(query->second.node);
    if (channel != nullptr) channel->cancel(query->second.call);
  }
}

void ClientImpl::on_topology() {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, query] : cluster_queries_) ids.push_back(id);
  for (const std::uint64_t id : ids) finish_cluster(id, {});
  ids.clear();
  for (const auto& [id, query] : status_queries_) {
    if (query.call == 0) ids.push_back(id);
  }
  for (const std::uint64_t id : ids) ask_status(id);
}

void ClientImpl::start_cluster(std::uint64_t id, OperationOptions options,
                               CompletionPtr<ClusterView> completion) {
  if (closed_) return completion->complete(to_error_code(ErrorCode::cancelled), {});
  ClusterQuery& query = cluster_queries_[id];
  query.completion = std::move(completion);
  if (operations_.knows_cluster()) return finish_cluster(id, {});
  const MonotonicTime at =
      std::min(deadline_of(options), transport_->now() + operations_.config().flow.connect_wait);
  query.timer = transport_->schedule_at(at, [this, id] {
    const Error why = operations_.links().why_unreachable();
    finish_cluster(id, to_error_code(why ? why.code : ErrorCode::deadline_exceeded));
  });
}

void ClientImpl::finish_cluster(std::uint64_t id, const boost::system::error_code& error) {
  auto node = cluster_queries_.extract(id);
  transport_->cancel(node.mapped().timer);
  ClusterView view;
  if (!error) {
    view = view_of(operations_.links().info());
    for (NodeView& row : view.nodes) {
      const rpc::Channel* channel = operations_.links().channel_of(row.id);
      if (channel == nullptr) continue;
      row.connected = channel->is_connected();
      if (channel->state().last_error) row.last_error = channel->state().last_error.message();
    }
  } else {
    view.detail = operations_.links().why_unreachable().detail;
  }
  node.mapped().completion->complete(error, std::move(view));
}

void ClientImpl::start_status(std::uint64_t id, NodeId node, OperationOptions options,
                              CompletionPtr<StatusResult> completion) {
  if (closed_) return completion->complete(to_error_code(ErrorCode::cancelled), {});
  StatusQuery& query = status_queries_[id];
  query.completion = std::move(completion);
  query.node = node;
  query.deadline = deadline_of(options);
  if (operations_.knows_cluster()) return ask_status(id);
  const MonotonicTime at =
      std::min(query.deadline, transport_->now() + operations_.config().flow.connect_wait);
  query.timer = transport_->schedule_at(at, [this, id] {
    const Error why = operations_.links().why_unreachable();
    finish_status(id, why ? why.code : ErrorCode::deadline_exceeded, {{}, why.detail});
  });
}

void ClientImpl::ask_status(std::uint64_t id) {
  StatusQuery& query = status_queries_.at(id);
  rpc::Channel* channel = operations_.links().channel_of(query.node);
  if (channel == nullptr) {
    return finish_status(id, ErrorCode::usage, {{}, "the topology has no such node"});
  }
  rpc::CallOptions call;
  call.method = protocol::method::status;
  call.deadline = query.deadline;
  call.reply_bytes_max = status_reply_bytes;
  call.tenant = operations_.config().tenant;
  query.call = channel->call(call, {}, [this, id](const rpc::Reply& reply) {
    const bool aborted = !reply.answered && reply.code == ErrorCode::closed_locally;
    finish_status(id, aborted ? ErrorCode::cancelled : reply.code,
                  {Bytes(reply.body), std::string(reply.detail)});
  });
}

void ClientImpl::finish_status(std::uint64_t id, ErrorCode code, StatusResult result) {
  auto node = status_queries_.extract(id);
  if (node.empty()) return;  // the client is being destroyed with its context
  if (node.mapped().timer != 0) transport_->cancel(node.mapped().timer);
  node.mapped().completion->complete(to_error_code(code), std::move(result));
}

void ClientImpl::shut_down() {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, query] : cluster_queries_) ids.push_back(id);
  for (const std::uint64_t id : ids) finish_cluster(id, to_error_code(ErrorCode::cancelled));
  ids.clear();
  for (const auto& [id, query] : status_queries_) {
    if (query.call == 0) ids.push_back(id);
  }
  for (const std::uint64_t id : ids) finish_status(id, ErrorCode::cancelled, {});
  closed_ = true;
  operations_.shut_down();
  GREY_CHECK(status_queries_.empty());
}

}  // namespace grey::detail
