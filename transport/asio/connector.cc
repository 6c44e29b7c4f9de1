#include "transport/asio/connector.h"

#include <utility>

#include "transport/asio/address.h"
#include "transport/asio/connection.h"

namespace grey::transport::asio {

using boost::system::error_code;

void Connector::begin(const Endpoint& endpoint, MonotonicTime deadline) {
  endpoint_ = endpoint;
  const auto address = to_asio(endpoint);
  if (!address) return fail_later(address.error());
  error_code error;
  socket_.open(address->protocol(), error);
  if (error) return fail_later(endpoint_error(error, endpoint));
  deadline_ = loop_->schedule_at(deadline, [self = shared_from_this()] {
    self->deadline_ = 0;
    self->finish(fail(ErrorCode::connect_timeout, self->endpoint_.to_string()));
  });
  socket_.async_connect(*address, loop_->pooled([self = shared_from_this()](const error_code& e) {
    if (self->done_ && !self->loop_->is_dead()) self->on_connect(e);
  }));
}

void Connector::on_connect(const error_code& error) {
  if (error) return finish(std::unexpected(endpoint_error(error, endpoint_)));
  error_code failed;
  // Connecting to a free port of the ephemeral range can meet itself (TCP's simultaneous open).
  if (socket_.local_endpoint(failed) == socket_.remote_endpoint(failed)) {
    return finish(fail(ErrorCode::connection_refused, endpoint_.to_string()));
  }
  prepare_socket(socket_);
  finish(std::make_unique<AsioStream>(
      std::make_shared<Connection>(loop_, std::move(socket_), endpoint_.to_string())));
}

void Connector::fail_later(Error error) {
  loop_->post([self = shared_from_this(), error = std::move(error)]() mutable {
    if (self->done_) self->finish(std::unexpected(std::move(error)));
  });
}

void Connector::finish(Result<std::unique_ptr<Stream>> result) {
  ConnectCallback done = std::exchange(done_, {});
  cancel();
  done(std::move(result));
}

void Connector::cancel() {
  const ConnectCallback dropped = std::exchange(done_, {});
  loop_->cancel(std::exchange(deadline_, 0));
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace grey::transport::asio
