// The suite on Boost.Asio: with a context of its own, and on one of the program's.
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "tests/transport/scene.h"
#include "tests/transport/thread_lab.h"
#include "transport/asio/asio_transport.h"

namespace grey::transport {
namespace {

std::unique_ptr<RunnableTransport> on_own_context() {
  return std::move(*asio::AsioTransport::create());
}

// A program that runs its own context and has a transport on it.
class Program final : public RunnableTransport {
 public:
  MonotonicTime now() const override { return inner_->now(); }
  std::int64_t unix_time_ns() const override { return inner_->unix_time_ns(); }
  void post(Task task) override { inner_->post(std::move(task)); }
  void post_from_any_thread(Task task) override { inner_->post_from_any_thread(std::move(task)); }
  TimerId schedule_at(MonotonicTime at, Task task) override {
    return inner_->schedule_at(at, std::move(task));
  }
  bool cancel(TimerId id) override { return inner_->cancel(id); }
  Result<std::unique_ptr<Listener>> listen(const Endpoint& endpoint,
                                           AcceptCallback on_accept) override {
    return inner_->listen(endpoint, std::move(on_accept));
  }
  std::unique_ptr<ConnectAttempt> connect(const Endpoint& endpoint, MonotonicTime deadline,
                                          ConnectCallback done) override {
    return inner_->connect(endpoint, deadline, std::move(done));
  }
  std::string_view name() const override { return inner_->name(); }
  void run() override {
    const auto work = boost::asio::make_work_guard(context_);
    context_.run();
  }
  void stop() override { context_.stop(); }

 private:
  boost::asio::io_context context_;
  std::unique_ptr<asio::AsioTransport> inner_ =
      std::move(*asio::AsioTransport::create(context_.get_executor()));
};

std::unique_ptr<RunnableTransport> on_foreign_context() { return std::make_unique<Program>(); }

std::unique_ptr<Lab> make_own() { return std::make_unique<ThreadLab>(on_own_context); }
std::unique_ptr<Lab> make_foreign() { return std::make_unique<ThreadLab>(on_foreign_context); }

const auto labs =
    testing::Values(LabKind{"own_context", make_own}, LabKind{"foreign_context", make_foreign});
INSTANTIATE_TEST_SUITE_P(asio, Conformance, labs, lab_name);
INSTANTIATE_TEST_SUITE_P(asio, SocketConformance, labs, lab_name);

}  // namespace
}  // namespace grey::transport
