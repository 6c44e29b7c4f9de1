// A connection attempt on Asio: the first of connected, failed, deadline and destroyed wins.
// Internal to transport/asio.
#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "transport/asio/loop.h"
#include "transport/stream.h"

namespace grey::transport::asio {

class Connector : public std::enable_shared_from_this<Connector> {
 public:
  Connector(std::shared_ptr<Loop> loop, ConnectCallback done)
      : loop_(std::move(loop)), socket_(loop_->executor()), done_(std::move(done)) {}

  void begin(const Endpoint& endpoint, MonotonicTime deadline);
  void cancel();

 private:
  void on_connect(const boost::system::error_code& error);
  void fail_later(Error error);
  void finish(Result<std::unique_ptr<Stream>> result);

  const std::shared_ptr<Loop> loop_;
  boost::asio::ip::tcp::socket socket_;
  ConnectCallback done_;  // empty once it is over
  Endpoint endpoint_;
  TimerId deadline_ = 0;
};

class AsioConnectAttempt final : public ConnectAttempt {
 public:
  explicit AsioConnectAttempt(std::shared_ptr<Connector> connector)
      : connector_(std::move(connector)) {}
  ~AsioConnectAttempt() override { connector_->cancel(); }
  AsioConnectAttempt(const AsioConnectAttempt&) = delete;
  AsioConnectAttempt& operator=(const AsioConnectAttempt&) = delete;

 private:
  const std::shared_ptr<Connector> connector_;
};

}  // namespace grey::transport::asio
