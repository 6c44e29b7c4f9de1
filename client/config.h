// A client's options, checked and turned into what the parts below take.
#pragma once
#include <array>
#include <string>
#include <vector>

#include <grey/options.h>
#include "base/clock.h"
#include "base/error.h"
#include "base/ids.h"
#include "client/flow.h"
#include "protocol/session_config.h"
#include "rpc/channel.h"

namespace grey::client {

struct Config {
  std::vector<transport::Endpoint> seeds;
  Bytes tenant;
  ClientId client_id;
  Duration timeout{};
  std::size_t operations_max = 0;
  FlowOptions flow;
  /// Of every connection; the links fill in the endpoint, the node and the cluster's name.
  rpc::ChannelOptions channel;
  std::uint64_t seed = 0;  // of jitter

  /// Fails with config_missing or config_bad_value.
  static Result<Config> make(const Options& options);
};

}  // namespace grey::client
