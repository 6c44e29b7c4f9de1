#include "transport/asio/address.h"

#include <fcntl.h>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>

namespace grey::transport::asio {

namespace net = boost::asio;

Result<net::ip::tcp::endpoint> to_asio(const Endpoint& endpoint) {
  boost::system::error_code error;
  const net::ip::address address = net::ip::make_address(endpoint.host, error);
  if (error) {
    return fail(ErrorCode::address_invalid,
                endpoint.to_string() + ": the host must be a numeric IPv4 or IPv6 address");
  }
  return net::ip::tcp::endpoint(address, endpoint.port);
}

Endpoint from_asio(const net::ip::tcp::endpoint& endpoint) {
  return {endpoint.address().to_string(), endpoint.port()};
}

Error stream_error(const boost::system::error_code& error) {
  const bool peer_is_gone = error == net::error::connection_reset ||
                            error == net::error::broken_pipe ||
                            error == net::error::connection_aborted;
  return {peer_is_gone ? ErrorCode::connection_reset : ErrorCode::transport_io, error.message()};
}

Error endpoint_error(const boost::system::error_code& error, const Endpoint& endpoint) {
  ErrorCode code = ErrorCode::transport_io;
  if (error == net::error::connection_refused || error == net::error::connection_reset) {
    code = ErrorCode::connection_refused;
  } else if (error == net::error::timed_out) {
    code = ErrorCode::connect_timeout;
  } else if (error == net::error::network_unreachable || error == net::error::host_unreachable) {
    code = ErrorCode::network_unreachable;
  } else if (error == net::error::address_in_use) {
    code = ErrorCode::address_in_use;
  } else if (error == boost::system::errc::address_not_available ||
             error == net::error::address_family_not_supported ||
             error == net::error::invalid_argument) {
    code = ErrorCode::address_invalid;
  }
  return {code, endpoint.to_string() + ": " + error.message()};
}

void keep_from_children(int descriptor) { ::fcntl(descriptor, F_SETFD, FD_CLOEXEC); }

void prepare_socket(net::ip::tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.set_option(net::ip::tcp::no_delay(true), ignored);
  socket.non_blocking(true, ignored);
  keep_from_children(socket.native_handle());
}

}  // namespace grey::transport::asio
