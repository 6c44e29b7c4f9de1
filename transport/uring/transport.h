// The io_uring transport: the seam of transport/stream.h over one ring (Linux 6.0 or newer).
#pragma once
#include <memory>

#include "transport/stream.h"
#include "transport/uring/loop.h"

namespace grey::transport::uring {

using Options = Loop::Options;

class UringTransport final : public RunnableTransport {
 public:
  /// Fails with transport_unsupported (the kernel is too old or denies io_uring; the detail says
  /// what to do) or transport_io.
  static Result<std::unique_ptr<UringTransport>> create(const Options& options = {});

  MonotonicTime now() const override { return loop_->clock().now(); }
  std::int64_t unix_time_ns() const override { return loop_->clock().unix_time_ns(); }

  void post(Task task) override { loop_->post(std::move(task)); }
  void post_from_any_thread(Task task) override { loop_->post_from_any_thread(std::move(task)); }
  TimerId schedule_at(MonotonicTime at, Task task) override {
    return loop_->schedule_at(at, std::move(task));
  }
  bool cancel(TimerId id) override { return loop_->cancel(id); }

  Result<std::unique_ptr<Listener>> listen(const Endpoint& endpoint,
                                           AcceptCallback on_accept) override;
  std::unique_ptr<ConnectAttempt> connect(const Endpoint& endpoint, MonotonicTime deadline,
                                          ConnectCallback done) override;
  std::string_view name() const override { return "io_uring"; }

  void run() override { loop_->run(); }
  void stop() override { loop_->stop(); }

  const Counters& counters() const noexcept { return loop_->counters(); }

 private:
  explicit UringTransport(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
  std::unique_ptr<Loop> loop_;
};

}  // namespace grey::transport::uring
