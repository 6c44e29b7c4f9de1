#include "transport/asio/asio_transport.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>
#include <utility>

#include "base/check.h"
#include "transport/asio/connection.h"
#include "transport/asio/connector.h"
#include "transport/asio/listener.h"
#include "transport/asio/loop.h"

namespace grey::transport::asio {

Result<std::unique_ptr<AsioTransport>> AsioTransport::create() try {
  auto context = std::make_unique<boost::asio::io_context>(1);  // a hint: one thread runs it
  auto executor = context->get_executor();
  return std::unique_ptr<AsioTransport>(new AsioTransport(std::move(context), executor));
} catch (const boost::system::system_error& error) {
  return fail(ErrorCode::transport_io, error.what());
}

Result<std::unique_ptr<AsioTransport>> AsioTransport::create(
    boost::asio::any_io_executor executor) try {
  return std::unique_ptr<AsioTransport>(new AsioTransport(nullptr, std::move(executor)));
} catch (const boost::system::system_error& error) {
  return fail(ErrorCode::transport_io, error.what());
}

AsioTransport::AsioTransport(std::unique_ptr<boost::asio::io_context> context,
                             boost::asio::any_io_executor executor)
    : own_context_(std::move(context)), loop_(std::make_shared<Loop>(std::move(executor))) {}

AsioTransport::~AsioTransport() {
  loop_->shut_down();
  if (!own_context_) return;  // handlers that still wait there find the loop dead
  own_context_->restart();
  own_context_->poll();
}

MonotonicTime AsioTransport::now() const { return loop_->clock().now(); }
std::int64_t AsioTransport::unix_time_ns() const { return loop_->clock().unix_time_ns(); }
void AsioTransport::post(Task task) { loop_->post(std::move(task)); }
void AsioTransport::post_from_any_thread(Task task) {
  loop_->post_from_any_thread(std::move(task));
}
TimerId AsioTransport::schedule_at(MonotonicTime at, Task task) {
  return loop_->schedule_at(at, std::move(task));
}
bool AsioTransport::cancel(TimerId id) { return loop_->cancel(id); }

Result<std::unique_ptr<Listener>> AsioTransport::listen(const Endpoint& endpoint,
                                                        AcceptCallback on_accept) {
  auto acceptor = std::make_shared<Acceptor>(loop_, std::move(on_accept));
  if (const Status opened = acceptor->open(endpoint); !opened) {
    return std::unexpected(opened.error());
  }
  return std::make_unique<AsioListener>(std::move(acceptor));
}

std::unique_ptr<ConnectAttempt> AsioTransport::connect(const Endpoint& endpoint,
                                                       MonotonicTime deadline,
                                                       ConnectCallback done) {
  auto connector = std::make_shared<Connector>(loop_, std::move(done));
  connector->begin(endpoint, deadline);
  return std::make_unique<AsioConnectAttempt>(std::move(connector));
}

void AsioTransport::run() {
  GREY_CHECK(own_context_ != nullptr);
  const auto work = boost::asio::make_work_guard(*own_context_);
  own_context_->run();
}

void AsioTransport::stop() {
  GREY_CHECK(own_context_ != nullptr);
  own_context_->stop();
}

}  // namespace grey::transport::asio
