// Clients that read, write, remove and compare-and-swap a few keys as fast as they are answered,
// and remember everything for the linearizability checker.
#pragma once
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "sim/history.h"
#include "tests/cluster/scene.h"

namespace grey::cluster_test {

class HistoryClients {
 public:
  HistoryClients(const Scene& scene, std::size_t clients, std::uint32_t keys, std::uint64_t seed);
  ~HistoryClients() { stop(); }
  HistoryClients(const HistoryClients&) = delete;
  HistoryClients& operator=(const HistoryClients&) = delete;

  void stop();
  /// After stop().
  sim::History history() const;
  /// Outcomes so far that were neither success nor a failed precondition, and how many were asked.
  std::uint64_t unknown() const noexcept { return unknown_; }
  std::uint64_t refused() const noexcept { return refused_; }
  std::uint64_t operations() const noexcept { return operations_; }

 private:
  struct Worker {
    sim::History events;
    std::thread thread;
  };
  void work(Worker& worker, std::uint32_t number, std::uint64_t seed);
  sim::HistoryEvent one(SyncClient& client, Random& random, std::uint32_t number,
                        std::uint64_t& last_value, std::vector<std::uint64_t>& last_seen);

  const Scene& scene_;
  const std::uint32_t keys_;
  std::atomic<bool> running_{true};
  std::atomic<std::uint64_t> unknown_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> operations_{0};
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace grey::cluster_test
