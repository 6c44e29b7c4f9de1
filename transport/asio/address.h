// Between our addresses and errors and Asio's. Internal to transport/asio.
#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

#include "base/error.h"
#include "transport/stream.h"

namespace grey::transport::asio {

Result<boost::asio::ip::tcp::endpoint> to_asio(const Endpoint& endpoint);
Endpoint from_asio(const boost::asio::ip::tcp::endpoint& endpoint);

/// The error of an established connection.
Error stream_error(const boost::system::error_code& error);
/// The error of an attempt to connect or listen; `endpoint` goes into the detail.
Error endpoint_error(const boost::system::error_code& error, const Endpoint& endpoint);

/// What every socket gets: no inheritance by child processes, no waiting inside calls.
void prepare_socket(boost::asio::ip::tcp::socket& socket);
void keep_from_children(int descriptor);

}  // namespace grey::transport::asio
