// A lab around a real transport: its loop runs on a thread of its own, from the first thing asked
// of it, and the descriptors of the process are counted before and after.
#pragma once
#include <memory>
#include <thread>

#include "tests/transport/lab.h"

namespace grey::transport {

class ThreadLab final : public Lab {
 public:
  explicit ThreadLab(std::unique_ptr<RunnableTransport> (*make)());
  ~ThreadLab() override;

  Transport& loop() override { return *transport_; }
  void run(Task body) override;
  bool wait(std::function<bool()> condition) override;
  void stop() override;
  void destroy() override;
  std::string host() const override { return "127.0.0.1"; }
  Endpoint black_hole() override;
  std::unique_ptr<RudePeer> rude_connect(const Endpoint& endpoint) override;

 private:
  void start();

  std::size_t descriptors_before_;
  std::unique_ptr<RunnableTransport> transport_;
  std::thread thread_;
  bool stopped_ = false;
  std::vector<int> hole_;  // a full backlog and those who fill it
};

}  // namespace grey::transport
