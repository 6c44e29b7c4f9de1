#include <deque>
#include <future>
#include <thread>
#include <vector>

#include "base/check.h"
#include "bench/echo.h"

namespace grey::bench {
namespace {

using transport::Endpoint;
using transport::RunnableTransport;
using transport::Stream;
using transport::StreamHandler;

/// One end of a connection that sends what is appended to it, batch after batch.
class Sender : public StreamHandler {
 public:
  explicit Sender(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {}
  void start() { stream_->start(*this); }
  void append(ByteView bytes) { next_.append(bytes); }
  void flush() {
    if (sending_ || next_.empty()) return;
    sending_ = true;
    stream_->send(std::exchange(next_, std::move(spare_)));
  }
  void on_receive_end() override { stream_->close(); }
  void on_sent(SendBatch batch) override {
    sending_ = false;
    spare_ = std::move(batch);
    flush();
  }
  void on_closed(const Error&) override {}

 private:
  std::unique_ptr<Stream> stream_;
  SendBatch next_, spare_;
  bool sending_ = false;
};

class Echo final : public Sender {
 public:
  using Sender::Sender;
  void on_receive(std::string_view bytes) override {
    append(bytes);
    flush();
  }
};

class Asker final : public Sender {
 public:
  Asker(std::unique_ptr<Stream> stream, const EchoShape& shape, RunnableTransport& loop,
        EchoMeter& meter)
      : Sender(std::move(stream)), loop_(loop), meter_(meter), message_(shape.message_bytes, 'm') {}
  void ask(int times) {
    const MonotonicTime now = loop_.now();
    for (int i = 0; i < times; ++i) {
      append(message_);
      asked_at_.push_back(now);
    }
    flush();
  }
  void on_receive(std::string_view bytes) override {
    received_ += bytes.size();
    const MonotonicTime now = loop_.now();
    int answered = 0;
    for (; received_ >= message_.size(); received_ -= message_.size()) {
      const MonotonicTime asked_at = asked_at_.front();
      asked_at_.pop_front();
      if (meter_.completed(asked_at, now)) return loop_.stop();
      ++answered;
    }
    ask(answered);
  }

 private:
  RunnableTransport& loop_;
  EchoMeter& meter_;
  const Bytes message_;
  std::size_t received_ = 0;
  std::deque<MonotonicTime> asked_at_;
};

/// Asks for the count of system calls in good time: when measuring begins, and at the end.
class SyscallSpan {
 public:
  explicit SyscallSpan(const EchoTransport& of) : of_(of) {}
  void begin() { from_ = of_.syscalls ? of_.syscalls() : 0; }
  double per(std::uint64_t requests) const {
    if (!of_.syscalls) return -1;
    return static_cast<double>(of_.syscalls() - from_) / static_cast<double>(requests);
  }

 private:
  const EchoTransport& of_;
  std::uint64_t from_ = 0;
};

}  // namespace

EchoFigures echo_over_transport(const EchoShape& shape,
                                const std::function<EchoTransport()>& make) {
  const EchoTransport server = make();
  const EchoTransport client = make();
  SyscallSpan server_calls(server), client_calls(client);
  std::vector<std::unique_ptr<Echo>> echoes;
  auto listener = server.transport->listen({"127.0.0.1", 0}, [&](std::unique_ptr<Stream> stream) {
    echoes.push_back(std::make_unique<Echo>(std::move(stream)));
    echoes.back()->start();
  });
  GREY_CHECK(listener.has_value());
  std::jthread serving([&] {
    pin_to_processor(0);
    server.transport->run();
  });

  EchoMeter meter(shape);
  std::vector<std::unique_ptr<transport::ConnectAttempt>> attempts;
  std::vector<std::unique_ptr<Asker>> askers;
  RunnableTransport& loop = *client.transport;
  for (int i = 0; i < shape.connections; ++i) {
    attempts.push_back(loop.connect((*listener)->local_endpoint(), never, [&](auto stream) {
      GREY_CHECK(stream.has_value());
      askers.push_back(std::make_unique<Asker>(std::move(*stream), shape, loop, meter));
      askers.back()->start();
      if (askers.size() < static_cast<std::size_t>(shape.connections)) return;
      meter.begin(loop.now());
      for (const auto& asker : askers) asker->ask(shape.depth);
      loop.schedule_after(shape.warm_up, [&] {
        client_calls.begin();
        server.transport->post_from_any_thread([&] { server_calls.begin(); });
      });
    }));
  }
  std::jthread([&] {
    pin_to_processor(1);
    loop.run();
  }).join();
  server.transport->stop();
  serving.join();
  EchoFigures figures = meter.figures();
  figures.client_syscalls_per_request = client_calls.per(meter.requests());
  figures.server_syscalls_per_request = server_calls.per(meter.requests());
  return figures;
}

}  // namespace grey::bench
