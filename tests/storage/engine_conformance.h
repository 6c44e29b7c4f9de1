// What every storage engine must do, as tests over EngineKind. engine_kinds.cc lists the engines.
#pragma once
#include "tests/storage/engine_harness.h"

namespace grey::storage {

class EngineConformance : public testing::TestWithParam<EngineKind> {
 protected:
  void SetUp() override { harness_ = GetParam().make(); }
  EngineHarness& on() { return *harness_; }

 private:
  std::unique_ptr<EngineHarness> harness_;
};

}  // namespace grey::storage
