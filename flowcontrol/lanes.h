// What goes first when work of several lanes waits for the same hands (a worker, a disk, a link).
//
//   control  always first.
//   data     next.
//   bulk     when nothing else waits, and one unit after every `data_per_bulk` units of data, so
//            that repair goes on under load. Never more than one unit in service, however many
//            hands there are: a unit of control that arrives finds at most one bulk unit ahead.
//
// Within a lane, first come first served. Each lane's queue is bounded: what does not fit is given
// back and must be refused, never dropped in silence. Not thread-safe.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "base/check.h"

namespace grey::flowcontrol {

enum class WorkLane : std::uint8_t { control, data, bulk };
inline constexpr std::size_t work_lane_count = 3;

struct LaneOptions {
  std::array<std::size_t, work_lane_count> queue_max = {1024, 4096, 64};
  std::uint32_t data_per_bulk = 8;
};

template <typename Unit>
class LaneQueues {
 public:
  explicit LaneQueues(LaneOptions options = {}) : options_(options) {}

  /// Queues `unit`. False, with `unit` untouched, if its lane is full.
  [[nodiscard]] bool push(WorkLane lane, Unit&& unit) {
    auto& queue = queues_[index(lane)];
    if (queue.size() >= options_.queue_max[index(lane)]) return false;
    queue.push_back(std::move(unit));
    return true;
  }

  /// Takes the unit that goes next into service, if one may. Report its end with finished().
  std::optional<std::pair<WorkLane, Unit>> pop() {
    const std::optional<WorkLane> lane = next_lane();
    if (!lane) return std::nullopt;
    if (*lane == WorkLane::data) ++data_since_bulk_;
    if (*lane == WorkLane::bulk) {
      data_since_bulk_ = 0;
      bulk_in_service_ = true;
    }
    auto& queue = queues_[index(*lane)];
    std::pair<WorkLane, Unit> taken(*lane, std::move(queue.front()));
    queue.pop_front();
    return taken;
  }

  void finished(WorkLane lane) {
    if (lane != WorkLane::bulk) return;
    GREY_CHECK(bulk_in_service_);
    bulk_in_service_ = false;
  }

  std::size_t waiting(WorkLane lane) const noexcept { return queues_[index(lane)].size(); }
  bool is_bulk_in_service() const noexcept { return bulk_in_service_; }

 private:
  static constexpr std::size_t index(WorkLane lane) noexcept {
    return static_cast<std::size_t>(lane);
  }

  std::optional<WorkLane> next_lane() const noexcept {
    if (waiting(WorkLane::control) > 0) return WorkLane::control;
    const bool bulk = waiting(WorkLane::bulk) > 0 && !bulk_in_service_;
    const bool data = waiting(WorkLane::data) > 0;
    if (bulk && (!data || data_since_bulk_ >= options_.data_per_bulk)) return WorkLane::bulk;
    if (data) return WorkLane::data;
    return std::nullopt;
  }

  LaneOptions options_;
  std::array<std::deque<Unit>, work_lane_count> queues_;
  std::uint32_t data_since_bulk_ = 0;
  bool bulk_in_service_ = false;
};

}  // namespace grey::flowcontrol
