// The figures of many simulated runs, added up.
#pragma once
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "base/clock.h"
#include "sim/full_stack/run.h"
#include "sim/simulation.h"

namespace grey::sim {

class Totals {
 public:
  void add(const RunReport& run);
  void add(const full_stack::FullRunReport& run);

  std::uint64_t violations() const noexcept { return violations_; }
  nlohmann::ordered_json to_json(double wall_s) const;

 private:
  void add_workload(const WorkloadCounters& run);
  void add_fault(const char* name, std::uint64_t count);

  std::uint64_t seeds_ = 0;
  std::uint64_t violations_ = 0;
  std::uint64_t operations_ = 0;
  std::uint64_t events_ = 0;
  Duration simulated_{};
  Duration slowest_{};  // operation; full stack only
  WorkloadCounters workload_;
  std::map<std::string, std::uint64_t> outcomes_;  // by error code; full stack only
  nlohmann::ordered_json faults_ = nlohmann::ordered_json::object();
};

}  // namespace grey::sim
