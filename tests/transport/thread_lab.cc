#include "tests/transport/thread_lab.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

#include "base/check.h"
#include "tests/transport/raw_socket.h"

namespace grey::transport {
namespace {

constexpr Duration wait_limit = std::chrono::seconds(60);
constexpr Duration poll_interval = std::chrono::microseconds(200);

class RawRudePeer final : public RudePeer {
 public:
  explicit RawRudePeer(RawSocket socket) : socket_(std::move(socket)) {}
  void vanish() override { socket_.reset(); }

 private:
  RawSocket socket_;
};

void raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Asks on the loop's thread, again and again; answered once.
class Question {
 public:
  Question(Transport& loop, std::function<bool()> condition)
      : loop_(loop), condition_(std::move(condition)) {}

  static void ask(const std::shared_ptr<Question>& q, MonotonicTime deadline) {
    if (q->condition_()) return q->answer(true);
    if (q->loop_.now() >= deadline) return q->answer(false);
    q->loop_.schedule_after(poll_interval, [q, deadline] { ask(q, deadline); });
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    const bool alive = answered_.wait_for(lock, wait_limit + std::chrono::seconds(30),
                                          [&] { return answer_.has_value(); });
    GREY_CHECK(alive);  // the loop itself is stuck: nothing can be saved
    return *answer_;
  }

 private:
  void answer(bool value) {
    const std::lock_guard lock(mutex_);
    answer_ = value;
    answered_.notify_one();
  }

  Transport& loop_;
  std::function<bool()> condition_;
  std::mutex mutex_;
  std::condition_variable answered_;
  std::optional<bool> answer_;
};

}  // namespace

ThreadLab::ThreadLab(std::unique_ptr<RunnableTransport> (*make)()) {
  raise_descriptor_limit();
  descriptors_before_ = count_descriptors();
  transport_ = make();
}

ThreadLab::~ThreadLab() {
  stop();
  destroy();
}

void ThreadLab::start() {
  if (!thread_.joinable()) thread_ = std::thread([this] { transport_->run(); });
}

void ThreadLab::run(Task body) {
  wait([&body] {
    body();
    return true;
  });
}

bool ThreadLab::wait(std::function<bool()> condition) {
  start();
  auto question = std::make_shared<Question>(*transport_, std::move(condition));
  transport_->post_from_any_thread(
      [this, question] { Question::ask(question, transport_->now() + wait_limit); });
  return question->wait();
}

void ThreadLab::stop() {
  if (!transport_ || std::exchange(stopped_, true)) return;
  start();
  transport_->stop();
  thread_.join();
}

void ThreadLab::destroy() {
  if (!transport_) return;
  transport_.reset();
  for (const int fd : std::exchange(hole_, {})) ::close(fd);
  EXPECT_EQ(count_descriptors(), descriptors_before_) << "descriptors leaked";
}

// A listener that never accepts and whose backlog is full: the kernel drops further handshakes.
Endpoint ThreadLab::black_hole() {
  RawSocket hole = RawSocket::listen(0);
  const Endpoint at = hole.local_endpoint();
  hole_.push_back(RawSocket::connect(at).release());
  hole_.push_back(hole.release());
  return at;
}

std::unique_ptr<RudePeer> ThreadLab::rude_connect(const Endpoint& endpoint) {
  return std::make_unique<RawRudePeer>(RawSocket::connect(endpoint));
}

}  // namespace grey::transport
