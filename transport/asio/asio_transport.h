// The transport seam on Boost.Asio (epoll): what runs where io_uring is not allowed, and inside
// programs that have an io_context of their own, such as those that use the client library.
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <memory>

#include "base/error.h"
#include "transport/stream.h"

namespace boost::asio {
class io_context;
}

namespace grey::transport::asio {

class Loop;

class AsioTransport final : public RunnableTransport {
 public:
  /// With an io_context of its own, for run(). Fails with transport_io (out of descriptors).
  static Result<std::unique_ptr<AsioTransport>> create();
  /// On an executor of the program's, which runs the callbacks; run() and stop() are not for this
  /// one. The executor must not run two handlers at once: an io_context that one thread runs, or a
  /// strand. The context may end before or after the transport; neither while the other is in use.
  static Result<std::unique_ptr<AsioTransport>> create(boost::asio::any_io_executor executor);
  ~AsioTransport() override;
  AsioTransport(const AsioTransport&) = delete;
  AsioTransport& operator=(const AsioTransport&) = delete;

  MonotonicTime now() const override;
  std::int64_t unix_time_ns() const override;
  void post(Task task) override;
  void post_from_any_thread(Task task) override;
  TimerId schedule_at(MonotonicTime at, Task task) override;
  bool cancel(TimerId id) override;
  Result<std::unique_ptr<Listener>> listen(const Endpoint& endpoint,
                                           AcceptCallback on_accept) override;
  std::unique_ptr<ConnectAttempt> connect(const Endpoint& endpoint, MonotonicTime deadline,
                                          ConnectCallback done) override;
  std::string_view name() const override { return "asio"; }
  void run() override;
  void stop() override;

 private:
  AsioTransport(std::unique_ptr<boost::asio::io_context> context,
                boost::asio::any_io_executor executor);

  std::unique_ptr<boost::asio::io_context> own_context_;  // null on an executor of the program's
  std::shared_ptr<Loop> loop_;
};

}  // namespace grey::transport::asio
