// The search over one key's events (see checker.h for the idea, search.cc for why it is complete).
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "sim/lincheck/checker.h"
#include "sim/lincheck/configuration_set.h"
#include "sim/lincheck/model.h"

namespace grey::lincheck {

class KeySearch {
 public:
  /// Keeps at most `width` configurations from event to event, those first that can do most, and
  /// looks at no more than `steps_max`.
  KeySearch(const KeyModel& model, std::size_t width, std::uint64_t steps_max);

  /// Linearizable is certain. Not linearizable is, if nothing had to be left out: undecided if so.
  Verdict run();

  /// After not_linearizable: the step whose answer nothing explains, the steps that were under way
  /// then (that one among them), and the states the key may have been in.
  const Step& culprit() const { return model_.steps[culprit_]; }
  const std::vector<std::uint32_t>& under_way() const { return pending_; }
  std::vector<StateIndex> possible_states() const;

  std::uint64_t steps_taken() const noexcept { return steps_taken_; }
  std::uint32_t configurations_peak() const noexcept { return peak_; }

 private:
  enum class EventKind : std::uint8_t { invoke, answer, retire };
  struct Event {
    std::uint64_t at;
    EventKind kind;
    std::uint32_t step;
    friend auto operator<=>(const Event&, const Event&) = default;
  };

  void assign_slots();
  void on_invoke(std::uint32_t step);
  void on_answer(std::uint32_t step);
  void on_retire(std::uint32_t step);
  void satisfy(std::uint32_t target);
  void use(std::uint32_t target);
  void find_worthwhile(std::uint32_t target);
  bool is_seen(std::uint32_t step) const;
  void apply(std::uint32_t step, std::uint64_t* row) const;
  void settle(std::uint64_t* row, std::uint32_t step) const;
  void keep_without(const std::uint64_t* row, std::uint32_t step);
  void keep_best();
  bool may_look_further();

  // A row: the state, then one bit per slot: satisfied (may be answered without further effect),
  // then one bit per slot: usable (may still take effect).
  StateIndex state(const std::uint64_t* row) const { return static_cast<StateIndex>(row[0]); }
  bool satisfied(const std::uint64_t* row, std::uint32_t step) const {
    return (row[1 + slots_[step] / 64] >> (slots_[step] % 64) & 1) != 0;
  }
  bool usable(const std::uint64_t* row, std::uint32_t step) const {
    return (row[1 + mask_words_ + slots_[step] / 64] >> (slots_[step] % 64) & 1) != 0;
  }
  void set_satisfied(std::uint64_t* row, std::uint32_t step, bool value) const {
    set_bit(row[1 + slots_[step] / 64], slots_[step] % 64, value);
  }
  void set_usable(std::uint64_t* row, std::uint32_t step, bool value) const {
    set_bit(row[1 + mask_words_ + slots_[step] / 64], slots_[step] % 64, value);
  }
  static void set_bit(std::uint64_t& word, std::uint32_t bit, bool value) {
    word = (word & ~(std::uint64_t{1} << bit)) | (std::uint64_t{value} << bit);
  }

  const KeyModel& model_;
  const std::size_t width_;
  const std::uint64_t steps_max_;
  bool left_out_ = false;
  std::vector<Event> events_;
  std::vector<std::uint32_t> slots_;  // by step
  std::size_t mask_words_ = 1;
  std::vector<std::uint32_t> pending_;  // steps under way, by answer (those without one last)
  ConfigurationSet now_;                // what may be, before the event
  ConfigurationSet next_;               // what may be, after it
  ConfigurationSet unsatisfied_;        // looked at on the way to the target's being satisfied
  ConfigurationSet unused_;             // the same on the way to its taking effect

  // The row being looked at, and what is known of it.
  std::vector<std::uint64_t> row_;
  std::vector<std::uint64_t> successor_;
  std::vector<std::uint64_t> kept_;
  std::vector<std::pair<int, std::uint32_t>> order_;  // of next_'s rows: minus its bits, row
  std::vector<std::uint32_t> observers_;              // steps under way that wait for some state
  std::vector<std::uint32_t> worthwhile_;             // steps to try next

  std::uint32_t culprit_ = 0;
  std::uint64_t steps_taken_ = 0;
  std::uint32_t peak_ = 1;
};

}  // namespace grey::lincheck
