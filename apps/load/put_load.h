// Puts of new keys, each written once, a fixed number of them outstanding, from start() to stop();
// and the check that whatever was acknowledged can be read.
//
// Thread-safety: start, stop and verify from one thread; the counts from any.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include <boost/system/error_code.hpp>

#include <grey/sync_client.h>

#include "base/clock.h"

namespace grey::load {

struct PutLoadOptions {
  std::string prefix = "load/";
  std::size_t outstanding = 16;
  std::size_t value_bytes = 100;
  const Clock* clock = nullptr;  // required
};

struct PutSample {
  MonotonicTime started{};
  MonotonicTime ended{};
  boost::system::error_code outcome;
};

class PutLoad {
 public:
  /// `client` outlives the load.
  PutLoad(SyncClient& client, PutLoadOptions options)
      : client_(client), options_(std::move(options)) {}
  ~PutLoad() { stop(); }
  PutLoad(const PutLoad&) = delete;
  PutLoad& operator=(const PutLoad&) = delete;

  void start();
  /// Starts no more puts and waits for those outstanding, which end by their deadlines.
  void stop();

  /// Waits until `count` more puts have been acknowledged than when it was called. False if that
  /// has not happened within the time.
  bool wait_for_more(std::uint64_t count, Duration timeout);
  std::uint64_t acknowledged() const;
  /// What did not succeed so far: "key: error (detail)", the first few.
  std::vector<std::string> failures() const;
  std::uint64_t failed() const;
  std::uint64_t unknown() const;

  /// After stop(): every put, by key number.
  const std::vector<PutSample>& samples() const noexcept { return samples_; }
  /// After stop(): reads every key that was acknowledged; what is missing or wrong, the first few.
  std::vector<std::string> verify();

 private:
  void put_next();
  void finished(std::size_t number, boost::system::error_code outcome, const std::string& detail);
  std::string key(std::size_t number) const { return options_.prefix + std::to_string(number); }
  std::string value(std::size_t number) const;

  SyncClient& client_;
  const PutLoadOptions options_;
  mutable std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  bool running_ = false;
  std::size_t under_way_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t failed_ = 0;  // unknown outcomes included
  std::uint64_t unknown_ = 0;
  std::vector<std::string> failures_;
  std::vector<PutSample> samples_;
};

}  // namespace grey::load
