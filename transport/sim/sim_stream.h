// The objects a simulated process holds: thin names for what the network keeps. Internal to
// transport/sim.
#pragma once
#include <string>
#include <utility>

#include "transport/sim/network.h"

namespace grey::transport::sim {

class SimStream final : public Stream {
 public:
  SimStream(Network& network, ConnectionId connection, unsigned side, std::string peer)
      : network_(network), connection_(connection), side_(side), peer_(std::move(peer)) {}
  ~SimStream() override { network_.disown(connection_, side_); }
  SimStream(const SimStream&) = delete;
  SimStream& operator=(const SimStream&) = delete;

  void start(StreamHandler& handler) override { network_.start(connection_, side_, handler); }
  void send(SendBatch batch) override { network_.send(connection_, side_, std::move(batch)); }
  void pause_receive() override { network_.set_paused(connection_, side_, true); }
  void resume_receive() override { network_.set_paused(connection_, side_, false); }
  void shutdown_send() override { network_.shutdown_send(connection_, side_); }
  void close() override { network_.close(connection_, side_); }
  std::string peer_address() const override { return peer_; }

 private:
  Network& network_;
  const ConnectionId connection_;
  const unsigned side_;
  const std::string peer_;
};

class SimListener final : public Listener {
 public:
  SimListener(Network& network, HostId host, std::uint16_t port, std::uint64_t id)
      : network_(network), host_(host), port_(port), id_(id) {}
  ~SimListener() override { network_.stop_listening(host_, port_, id_); }
  SimListener(const SimListener&) = delete;
  SimListener& operator=(const SimListener&) = delete;

  Endpoint local_endpoint() const override { return {host_name(host_), port_}; }

 private:
  Network& network_;
  const HostId host_;
  const std::uint16_t port_;
  const std::uint64_t id_;
};

class SimConnectAttempt final : public ConnectAttempt {
 public:
  SimConnectAttempt(Network& network, ConnectionId connection)
      : network_(network), connection_(connection) {}
  ~SimConnectAttempt() override { network_.cancel_connect(connection_); }
  SimConnectAttempt(const SimConnectAttempt&) = delete;
  SimConnectAttempt& operator=(const SimConnectAttempt&) = delete;

 private:
  Network& network_;
  const ConnectionId connection_;
};

}  // namespace grey::transport::sim
