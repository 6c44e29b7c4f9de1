// One connection on Asio. Asio only says when the socket is ready; the bytes are then read into the
// loop's one buffer and written straight from the batch, so that a connection costs no buffer of
// its own and an operation no allocation. Internal to transport/asio.
#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <optional>
#include <string>

#include "transport/asio/loop.h"
#include "transport/stream.h"

namespace grey::transport::asio {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<Loop> loop, boost::asio::ip::tcp::socket socket, std::string peer)
      : loop_(std::move(loop)), socket_(std::move(socket)), peer_(std::move(peer)) {}

  void start(StreamHandler& handler);
  void send(SendBatch batch);
  void pause_receive() { paused_ = true; }
  void resume_receive();
  void shutdown_send();
  void close();
  /// The Stream object has gone.
  void detach();
  const std::string& peer() const noexcept { return peer_; }

 private:
  void wait_readable();
  void on_readable();
  bool receive_once();
  void wait_writable();
  void write();
  bool is_written() const noexcept { return piece_ == batch_.piece_count(); }
  void advance(std::size_t bytes);
  void end_sending();
  void finish(Error reason);
  void wake_later();
  void service();
  bool is_live() const noexcept { return handler_ != nullptr && !over_ && !loop_->is_dead(); }

  const std::shared_ptr<Loop> loop_;
  boost::asio::ip::tcp::socket socket_;
  const std::string peer_;
  StreamHandler* handler_ = nullptr;

  SendBatch batch_;
  std::size_t piece_ = 0;  // the first byte of the batch that has not been written
  std::size_t offset_ = 0;
  bool sending_ = false;
  bool fin_wanted_ = false;
  bool fin_sent_ = false;

  bool paused_ = false;
  bool waiting_readable_ = false;
  bool waiting_writable_ = false;
  bool end_received_ = false;
  bool wake_pending_ = false;
  std::optional<Error> over_;
};

/// The Stream object: a Connection's owner.
class AsioStream final : public Stream {
 public:
  explicit AsioStream(std::shared_ptr<Connection> connection)
      : connection_(std::move(connection)) {}
  ~AsioStream() override { connection_->detach(); }
  AsioStream(const AsioStream&) = delete;
  AsioStream& operator=(const AsioStream&) = delete;

  void start(StreamHandler& handler) override { connection_->start(handler); }
  void send(SendBatch batch) override { connection_->send(std::move(batch)); }
  void pause_receive() override { connection_->pause_receive(); }
  void resume_receive() override { connection_->resume_receive(); }
  void shutdown_send() override { connection_->shutdown_send(); }
  void close() override { connection_->close(); }
  std::string peer_address() const override { return connection_->peer(); }

 private:
  const std::shared_ptr<Connection> connection_;
};

}  // namespace grey::transport::asio
