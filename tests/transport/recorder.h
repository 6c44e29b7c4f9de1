// Owns one stream of a conformance test, sends what it is told, notes what happens, and checks on
// the way what must hold for every stream: one thread, no callback from inside a call, each event
// at most as often as promised, nothing after the last word.
#pragma once
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "transport/stream.h"

namespace grey::transport {

class Recorder : public StreamHandler {
 public:
  Recorder() = default;
  ~Recorder() override = default;
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // What is done to the stream.

  /// Takes the stream without starting it.
  void hold(std::unique_ptr<Stream> stream) { stream_ = std::move(stream); }
  void start() {
    thread_ = std::this_thread::get_id();
    call([&] { stream_->start(*this); });
    send_more();
  }
  void adopt(std::unique_ptr<Stream> stream) {
    hold(std::move(stream));
    start();
  }
  void send(Bytes bytes) {
    SendBatch batch;
    batch.append_shared(SharedBytes(std::move(bytes)));
    send(std::move(batch));
  }
  void send(SendBatch batch) {
    queue_.push_back(std::move(batch));
    send_more();
  }
  /// Half-closes once everything has been sent.
  void finish() {
    finish_ = true;
    send_more();
  }
  void pause() {
    call([&] { stream_->pause_receive(); });
  }
  void resume() {
    call([&] { stream_->resume_receive(); });
  }
  void close() {
    closing_ = true;
    call([&] { stream_->close(); });
  }
  /// Destroys the stream; nothing may come after.
  void destroy() {
    destroyed_ = true;
    stream_.reset();
  }
  Stream& stream() { return *stream_; }
  bool has_stream() const { return stream_ != nullptr; }

  // What happened.

  Bytes received;
  int deliveries = 0;
  int sent = 0;
  bool ended = false;
  std::optional<Error> closed;
  std::optional<Error> connect_error;
  /// Keeps only `received_bytes`.
  bool count_only = false;
  std::size_t received_bytes = 0;

  ErrorCode close_code() const { return closed ? closed->code : ErrorCode::ok; }

  // What else is to happen then.

  std::function<void(std::string_view)> when_received;
  std::function<void()> when_ended;
  std::function<void()> when_sent;
  std::function<void()> when_closed;

  void on_receive(std::string_view bytes) override {
    check();
    EXPECT_FALSE(bytes.empty());
    EXPECT_FALSE(ended || closing_);
    ++deliveries;
    received_bytes += bytes.size();
    if (!count_only) received.append(bytes);
    if (auto then = when_received) then(bytes);
  }
  void on_receive_end() override {
    check();
    EXPECT_FALSE(ended || closing_);
    ended = true;
    if (auto then = when_ended) then();
  }
  void on_sent(SendBatch batch) override {
    check();
    EXPECT_TRUE(sending_ && !closing_);
    EXPECT_TRUE(batch.empty() && batch.piece_count() == 0);
    sending_ = false;
    ++sent;
    if (auto then = when_sent) then();
    if (!destroyed_) send_more();
  }
  void on_closed(const Error& reason) override {
    check();
    EXPECT_NE(reason.code, ErrorCode::ok);
    if (closing_) {
      EXPECT_EQ(reason.code, ErrorCode::closed_locally);
    }
    closed = reason;
    if (auto then = when_closed) then();
  }

 private:
  template <typename Call>
  void call(Call what) {
    if (!stream_) return;
    calling_ = true;
    what();
    calling_ = false;
  }
  void check() const {
    EXPECT_EQ(std::this_thread::get_id(), thread_);
    EXPECT_FALSE(calling_) << "callback from inside a call";
    EXPECT_FALSE(destroyed_) << "callback after the stream was destroyed";
    EXPECT_FALSE(closed.has_value()) << "callback after on_closed";
  }
  void send_more() {
    if (!stream_ || thread_ == std::thread::id() || sending_ || closed || closing_) return;
    if (!queue_.empty()) {
      sending_ = true;
      SendBatch next = std::move(queue_.front());
      queue_.pop_front();
      call([&] { stream_->send(std::move(next)); });
    } else if (std::exchange(finish_, false)) {
      call([&] { stream_->shutdown_send(); });
    }
  }

  std::unique_ptr<Stream> stream_;
  std::deque<SendBatch> queue_;
  std::thread::id thread_;
  bool sending_ = false;
  bool finish_ = false;
  bool calling_ = false;
  bool closing_ = false;
  bool destroyed_ = false;
};

/// Sends back what comes, and half-closes when the peer has.
inline void make_echo(Recorder& recorder) {
  recorder.count_only = true;
  recorder.when_received = [&recorder](std::string_view bytes) { recorder.send(Bytes(bytes)); };
  recorder.when_ended = [&recorder] { recorder.finish(); };
}

}  // namespace grey::transport
