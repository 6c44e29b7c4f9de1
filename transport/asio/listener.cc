#include "transport/asio/listener.h"

#include <boost/asio/error.hpp>
#include <utility>

#include "transport/asio/address.h"
#include "transport/asio/connection.h"

namespace grey::transport::asio {

namespace net = boost::asio;
using boost::system::error_code;

namespace {

// How long to wait when the machine is out of descriptors or memory: the connection stays in the
// backlog and the socket stays readable, so trying on at once would spin.
constexpr Duration retry_delay = std::chrono::milliseconds(50);
constexpr int accepts_per_turn = 64;

bool is_shortage(const error_code& error) {
  return error == boost::system::errc::too_many_files_open ||
         error == boost::system::errc::too_many_files_open_in_system ||
         error == boost::system::errc::no_buffer_space ||
         error == boost::system::errc::not_enough_memory;
}

}  // namespace

Status Acceptor::open(const Endpoint& endpoint) {
  const auto address = to_asio(endpoint);
  if (!address) return std::unexpected(address.error());
  error_code error;
  const auto attempt = [&](auto&& operation) {
    if (!error) operation();
  };
  acceptor_.open(address->protocol(), error);
  attempt([&] { acceptor_.set_option(net::socket_base::reuse_address(true), error); });
  attempt([&] { acceptor_.bind(*address, error); });
  attempt([&] { acceptor_.listen(net::socket_base::max_listen_connections, error); });
  attempt([&] { acceptor_.non_blocking(true, error); });
  attempt([&] { local_ = from_asio(acceptor_.local_endpoint(error)); });
  if (error) {
    error_code ignored;
    acceptor_.close(ignored);
    return std::unexpected(endpoint_error(error, endpoint));
  }
  keep_from_children(acceptor_.native_handle());
  wait();
  return {};
}

void Acceptor::close() {
  error_code ignored;
  acceptor_.close(ignored);
  loop_->cancel(std::exchange(retry_, 0));
  const auto dropped = std::exchange(on_accept_, nullptr);
}

void Acceptor::wait() {
  acceptor_.async_wait(net::socket_base::wait_read,
                       loop_->pooled([self = shared_from_this()](const error_code&) {
                         if (self->on_accept_ && !self->loop_->is_dead()) self->on_ready();
                       }));
}

void Acceptor::on_ready() {
  for (int i = 0; i < accepts_per_turn; ++i) {
    error_code error;
    net::ip::tcp::endpoint peer;
    net::ip::tcp::socket socket(loop_->executor());
    acceptor_.accept(socket, peer, error);
    if (is_shortage(error)) return retry_later();
    if (error == net::error::would_block) break;
    if (error) continue;  // of that connection, not of ours
    prepare_socket(socket);
    const auto on_accept = on_accept_;  // it may close us
    (*on_accept)(std::make_unique<AsioStream>(
        std::make_shared<Connection>(loop_, std::move(socket), from_asio(peer).to_string())));
    if (!on_accept_ || loop_->is_dead()) return;
  }
  wait();
}

void Acceptor::retry_later() {
  retry_ = loop_->schedule_at(loop_->clock().now() + retry_delay, [self = shared_from_this()] {
    self->retry_ = 0;
    self->on_ready();
  });
}

}  // namespace grey::transport::asio
