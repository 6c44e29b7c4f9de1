// Drives an engine from a test: opens, closes and reopens it on the same data, and waits for
// completions. One per kind of engine; the conformance suite runs over all of them.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/engine.h"
#include "storage/testing/test_executor.h"

namespace grey::storage {

class EngineHarness {
 public:
  virtual ~EngineHarness() = default;
  /// Closes the engine in good order and opens it again on the same data.
  void reopen() {
    close();
    engine_ = open();
  }
  void close() { engine_.reset(); }
  Engine& engine() { return *engine_; }
  TestExecutor& executor() { return executor_; }

  Status commit(WriteBatch batch, Durability durability = Durability::sync) {
    std::optional<Status> status;
    engine().commit(std::move(batch), durability, [&](Status s) { status = std::move(s); });
    executor_.run_until([&] { return status.has_value(); });
    return *status;
  }
  Status put(Bytes key, Bytes value) {
    WriteBatch batch;
    batch.put(std::move(key), std::move(value));
    return commit(std::move(batch));
  }
  Status remove(Bytes key) {
    WriteBatch batch;
    batch.remove(std::move(key));
    return commit(std::move(batch));
  }
  Result<std::optional<Bytes>> get(ByteView key, const Snapshot* snapshot = nullptr) {
    std::optional<Result<std::optional<Bytes>>> result;
    engine().get(key, snapshot, [&](auto r) { result = std::move(r); });
    executor_.run_until([&] { return result.has_value(); });
    return *std::move(result);
  }
  Result<ScanPage> scan(ByteView first, ByteView last, std::size_t entries_max = 1000,
                        std::size_t bytes_max = 1 << 30, const Snapshot* snapshot = nullptr) {
    std::optional<Result<ScanPage>> result;
    engine().scan(first, last, entries_max, bytes_max, snapshot,
                  [&](auto r) { result = std::move(r); });
    executor_.run_until([&] { return result.has_value(); });
    return *std::move(result);
  }
  /// Everything the engine holds, in order.
  std::vector<KeyValue> contents() {
    auto page = scan("", "");
    EXPECT_TRUE(page) << (page ? "" : page.error().message());
    return page ? std::move(page->entries) : std::vector<KeyValue>{};
  }

 protected:
  virtual std::unique_ptr<Engine> open() = 0;

 private:
  TestExecutor executor_;
  std::unique_ptr<Engine> engine_;
};

/// One line of the conformance suite's parameters.
struct EngineKind {
  std::string name;
  std::function<std::unique_ptr<EngineHarness>()> make;
};

}  // namespace grey::storage
