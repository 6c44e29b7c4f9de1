#include "transport/uring/transport.h"

#include <utility>

#include "transport/uring/connector.h"
#include "transport/uring/listener.h"

namespace grey::transport::uring {

Result<std::unique_ptr<UringTransport>> UringTransport::create(const Options& options) {
  auto loop = Loop::create(options);
  if (!loop) return std::unexpected(loop.error());
  return std::unique_ptr<UringTransport>(new UringTransport(std::move(*loop)));
}

Result<std::unique_ptr<Listener>> UringTransport::listen(const Endpoint& endpoint,
                                                         AcceptCallback on_accept) {
  return Acceptor::listen(*loop_, endpoint, std::move(on_accept));
}

std::unique_ptr<ConnectAttempt> UringTransport::connect(const Endpoint& endpoint,
                                                        MonotonicTime deadline,
                                                        ConnectCallback done) {
  return Connector::connect(*loop_, endpoint, deadline, std::move(done));
}

}  // namespace grey::transport::uring
