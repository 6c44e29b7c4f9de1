// One loop of a simulated host: the transport seam as the host's process sees it. Made and owned by
// World; after a crash of its host it is dead: everything asked of it is ignored, so that what is
// left of the process can be destroyed in peace.
#pragma once
#include "transport/sim/event.h"
#include "transport/stream.h"

namespace grey::transport::sim {

class World;

class SimTransport final : public Transport {
 public:
  SimTransport(World& world, HostId host, std::uint32_t index)
      : world_(world), host_(host), index_(index) {}

  HostId host() const noexcept { return host_; }
  bool is_dead() const noexcept { return dead_; }

  MonotonicTime now() const override;
  std::int64_t unix_time_ns() const override;
  void post(Task task) override;
  void post_from_any_thread(Task task) override { post(std::move(task)); }
  TimerId schedule_at(MonotonicTime at, Task task) override;
  bool cancel(TimerId id) override;
  Result<std::unique_ptr<Listener>> listen(const Endpoint& endpoint,
                                           AcceptCallback on_accept) override;
  std::unique_ptr<ConnectAttempt> connect(const Endpoint& endpoint, MonotonicTime deadline,
                                          ConnectCallback done) override;
  std::string_view name() const override { return "sim"; }

 private:
  friend class World;
  World& world_;
  HostId host_;
  std::uint32_t index_;
  bool dead_ = false;
};

}  // namespace grey::transport::sim
