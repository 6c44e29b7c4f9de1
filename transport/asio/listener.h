// A listening socket on Asio. Internal to transport/asio.
#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "transport/asio/loop.h"
#include "transport/stream.h"

namespace grey::transport::asio {

class Acceptor : public std::enable_shared_from_this<Acceptor> {
 public:
  Acceptor(std::shared_ptr<Loop> loop, AcceptCallback on_accept)
      : loop_(std::move(loop)),
        acceptor_(loop_->executor()),
        on_accept_(std::make_shared<AcceptCallback>(std::move(on_accept))) {}

  Status open(const Endpoint& endpoint);
  void close();
  const Endpoint& local_endpoint() const noexcept { return local_; }

 private:
  void wait();
  void on_ready();
  void retry_later();

  const std::shared_ptr<Loop> loop_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::shared_ptr<AcceptCallback> on_accept_;  // null once closed
  Endpoint local_;
  TimerId retry_ = 0;
};

class AsioListener final : public Listener {
 public:
  explicit AsioListener(std::shared_ptr<Acceptor> acceptor) : acceptor_(std::move(acceptor)) {}
  ~AsioListener() override { acceptor_->close(); }
  AsioListener(const AsioListener&) = delete;
  AsioListener& operator=(const AsioListener&) = delete;

  Endpoint local_endpoint() const override { return acceptor_->local_endpoint(); }

 private:
  const std::shared_ptr<Acceptor> acceptor_;
};

}  // namespace grey::transport::asio
