// A connection attempt: a connect in the ring and a timer for its deadline.
#pragma once
#include <memory>
#include <optional>

#include "transport/stream.h"
#include "transport/uring/resource.h"
#include "transport/uring/socket.h"

namespace grey::transport::uring {

class Connector final : public Resource {
 public:
  static std::unique_ptr<ConnectAttempt> connect(Loop& loop, const Endpoint& endpoint,
                                                 MonotonicTime deadline, ConnectCallback done);

 private:
  Connector(Loop& loop, int descriptor, const Endpoint& endpoint, ConnectCallback done);
  ~Connector() override;
  void watch(MonotonicTime deadline);
  void completed(unsigned slot, int result, std::uint32_t flags) override;
  void advance() override;
  void ended() override;
  void detached() override { done_ = nullptr; }
  void finish(Result<std::unique_ptr<Stream>> outcome);
  std::unexpected<Error> timed_out() const;

  const Endpoint endpoint_;
  ConnectCallback done_;
  SocketAddress address_;  // read by the kernel
  bool connecting_ = false;
  std::optional<Result<std::unique_ptr<Stream>>> outcome_;
  TimerId deadline_timer_ = 0;
};

}  // namespace grey::transport::uring
