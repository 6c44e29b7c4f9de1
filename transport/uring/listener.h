// A listening socket with one multishot accept in the ring.
#pragma once
#include <memory>

#include "transport/stream.h"
#include "transport/uring/resource.h"

namespace grey::transport::uring {

class Acceptor final : public Resource {
 public:
  /// How long accepting rests when the system is out of descriptors or memory.
  static constexpr Duration rest = std::chrono::milliseconds(100);

  static Result<std::unique_ptr<Listener>> listen(Loop& loop, const Endpoint& endpoint,
                                                  AcceptCallback on_accept);
  const Endpoint& local_endpoint() const noexcept { return local_; }

 private:
  Acceptor(Loop& loop, int descriptor, AcceptCallback on_accept);
  ~Acceptor() override;
  void completed(unsigned slot, int result, std::uint32_t flags) override;
  void advance() override;
  void detached() override;
  void take_rest();

  const Endpoint local_;
  AcceptCallback on_accept_;
  bool has_owner_ = true;
  bool accepting_ = false;  // an accept is in the ring
  TimerId rest_timer_ = 0;
};

}  // namespace grey::transport::uring
