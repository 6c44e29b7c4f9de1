#include "storage/memory/memory_engine.h"
#include "tests/storage/engine_conformance.h"

namespace grey::storage {
namespace {

class MemoryHarness final : public EngineHarness {
 public:
  explicit MemoryHarness(MemoryDiskOptions options) : disk_(Random(1), options) { reopen(); }
  ~MemoryHarness() override { close(); }

 private:
  std::unique_ptr<Engine> open() override {
    return std::make_unique<MemoryEngine>(disk_, executor());
  }
  MemoryDisk disk_;
};

MemoryDiskOptions unhurried() {
  using std::chrono::microseconds;
  return {.sync_latency_min = microseconds(50),
          .sync_latency_max = microseconds(900),
          .read_latency_max = microseconds(300),
          .early_visibility_chance = 0.5};
}

INSTANTIATE_TEST_SUITE_P(
    Engines, EngineConformance,
    testing::Values(
        EngineKind{"memory", [] { return std::make_unique<MemoryHarness>(MemoryDiskOptions{}); }},
        EngineKind{"memory_slow", [] { return std::make_unique<MemoryHarness>(unhurried()); }}),
    [](const auto& kind) { return kind.param.name; });

}  // namespace
}  // namespace grey::storage
