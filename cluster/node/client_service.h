// Answers what clients ask: turns data methods into operations of the store and their outcomes into
// replies, and says where everything is (CLUSTER_INFO).
//
// Thread-safety: loop's thread only.
#pragma once
#include <functional>

#include "cluster/store/store_node.h"
#include "protocol/data_messages.h"
#include "protocol/node_status.h"
#include "rpc/request_handler.h"

namespace grey::cluster {

class ClientService {
 public:
  using StatusSource = std::function<protocol::NodeStatus()>;

  ClientService(StoreNode& node, const protocol::DataLimits& limits, std::string server_version,
                StatusSource status)
      : node_(node),
        limits_(limits),
        server_version_(std::move(server_version)),
        status_(std::move(status)) {}

  void on_request(const rpc::IncomingRequest& request, rpc::Responder responder);

 private:
  void run(OperationRequest operation, const rpc::IncomingRequest& request,
           rpc::Responder responder);
  static void answer(OperationKind kind, const OperationResult& result, rpc::Responder& responder);
  void answer_cluster_info(rpc::Responder& responder) const;
  void answer_status(rpc::Responder& responder) const;

  StoreNode& node_;
  protocol::DataLimits limits_;
  std::string server_version_;
  StatusSource status_;
};

}  // namespace grey::cluster
