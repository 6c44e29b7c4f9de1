// Two small inhabitants for the tests of this folder: a server that echoes and a client that
// records.
#pragma once
#include <gtest/gtest.h>

#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "transport/stream.h"

namespace grey::transport::sim {

/// Owns a stream, notes what happens to it and sends what it is told to, one batch after another.
class Peer : public StreamHandler {
 public:
  explicit Peer(bool echo = false) : echo_(echo) {}

  void adopt(std::unique_ptr<Stream> with) {
    stream = std::move(with);
    stream->start(*this);
    send_more();
  }
  void send(ByteView bytes) {
    pending_.append(bytes);
    send_more();
  }

  void on_receive(std::string_view bytes) override {
    received.append(bytes);
    ++deliveries;
    if (echo_) send(bytes);
  }
  void on_receive_end() override {
    ended = true;
    if (echo_) finish();
  }
  void on_sent(SendBatch batch) override {
    ++sent;
    sending_ = false;
    EXPECT_TRUE(batch.empty());
    send_more();
  }
  void on_closed(const Error& reason) override {
    EXPECT_FALSE(closed.has_value());
    closed = reason;
  }
  /// Half-closes once everything has been sent.
  void finish() {
    finish_ = true;
    send_more();
  }

  std::unique_ptr<Stream> stream;
  Bytes received;
  int deliveries = 0;
  int sent = 0;
  bool ended = false;
  std::optional<Error> closed;

 private:
  void send_more() {
    if (!stream || sending_ || closed) return;
    if (pending_.empty()) {
      if (std::exchange(finish_, false)) stream->shutdown_send();
      return;
    }
    SendBatch batch;
    batch.append(std::exchange(pending_, {}));
    sending_ = true;
    stream->send(std::move(batch));
  }

  const bool echo_;
  bool sending_ = false;
  bool finish_ = false;
  Bytes pending_;
};

class Server {
 public:
  Server(Transport& loop, std::uint16_t port, bool echo = true) {
    auto listening = loop.listen({"0.0.0.0", port}, [this, echo](std::unique_ptr<Stream> stream) {
      peers.emplace_back(echo).adopt(std::move(stream));
    });
    EXPECT_TRUE(listening.has_value());
    listener = std::move(*listening);
  }

  std::unique_ptr<Listener> listener;
  std::list<Peer> peers;
};

class Client : public Peer {
 public:
  Client(Transport& loop, const std::string& host, std::uint16_t port,
         Duration timeout = std::chrono::seconds(5)) {
    attempt = loop.connect({host, port}, loop.now() + timeout,
                           [this](Result<std::unique_ptr<Stream>> connected) {
                             EXPECT_FALSE(error || stream);
                             if (!connected) {
                               error = connected.error();
                             } else {
                               adopt(std::move(*connected));
                             }
                           });
  }
  void send_when_connected(ByteView bytes) { send(bytes); }

  std::unique_ptr<ConnectAttempt> attempt;
  std::optional<Error> error;
};

}  // namespace grey::transport::sim
