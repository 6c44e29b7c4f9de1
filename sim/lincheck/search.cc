// Why the search is complete although it tries so little.
//
// Operations take effect only when the answer of one of them, the target, comes in and the
// configuration has not satisfied it: any linearisation can be rearranged so (Lowe). Two kinds of
// operation never have to be tried at all:
//
//   - One that leaves the state as it is (a read whose value is there, a failed compare-and-swap, a
//     write of what is there already) is satisfied at once, wherever that is possible: it changes
//     nothing, so it cannot be too early.
//   - A blind write may have happened just before another blind write and be seen by nobody. So
//     whenever one blind write takes effect, all others under way become satisfied. They stay
//     usable: they may still take effect later instead. (A blind write of what is there already can
//     serve for this too: the state was something else for a moment that nobody saw.)
//
// What is left to try is a sequence of writes that ends with the target satisfied, or with the
// target in effect. A blind write in the middle of the sequence that no operation under way sees
// can be left out: it is satisfied anyway by the blind write that follows it, or, if a
// compare-and-swap follows, that one sees it. Hence find_worthwhile(). Among blind writes of the
// same result with equal standing, the one to be answered first is tried alone: the others can play
// its part later for as long, and not the reverse.
#include "sim/lincheck/search.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <queue>

namespace grey::lincheck {

KeySearch::KeySearch(const KeyModel& model, std::size_t width, std::uint64_t steps_max)
    : model_(model),
      width_(width),
      steps_max_(steps_max),
      slots_(model.steps.size()),
      now_(0),
      next_(0),
      unsatisfied_(0),
      unused_(0) {
  for (std::uint32_t i = 0; i < model.steps.size(); ++i) {
    const Step& step = model.steps[i];
    events_.push_back({step.invoked, EventKind::invoke, i});
    if (step.must_happen) {
      events_.push_back({step.returned, EventKind::answer, i});
    } else {
      events_.push_back({step.seen_until, EventKind::retire, i});
    }
  }
  std::ranges::sort(events_);
  assign_slots();
  const std::size_t words = 1 + 2 * mask_words_;
  now_ = next_ = unsatisfied_ = unused_ = ConfigurationSet(words);
  row_.assign(words, 0);
  successor_ = kept_ = row_;
}

void KeySearch::assign_slots() {
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> released;
  std::uint32_t used = 0;
  for (const Event& event : events_) {
    if (event.kind != EventKind::invoke) {
      released.push(slots_[event.step]);
    } else if (released.empty()) {
      slots_[event.step] = used++;
    } else {
      slots_[event.step] = released.top();
      released.pop();
    }
  }
  mask_words_ = std::max<std::size_t>(1, (used + 63) / 64);
}

Verdict KeySearch::run() {
  now_.add(row_.data());  // absent, nothing under way
  for (const Event& event : events_) {
    switch (event.kind) {
      case EventKind::invoke:
        on_invoke(event.step);
        continue;
      case EventKind::retire:
        on_retire(event.step);
        break;
      case EventKind::answer:
        on_answer(event.step);
        if (next_.size() == 0) {
          culprit_ = event.step;
          return left_out_ ? Verdict::undecided : Verdict::not_linearizable;
        }
        break;
    }
    keep_best();
    peak_ = std::max(peak_, static_cast<std::uint32_t>(now_.size()));
    std::erase(pending_, event.step);
  }
  return Verdict::linearizable;
}

void KeySearch::on_invoke(std::uint32_t step) {
  const auto answer = [&](std::uint32_t s) { return model_.steps[s].returned; };
  pending_.insert(std::ranges::upper_bound(pending_, answer(step), {}, answer), step);
  // The slot was clear in every row, so rows that differed still differ: the set stays a set,
  // though its index is stale, and it is only walked from here on.
  for (std::size_t i = 0; i < now_.size(); ++i) {
    std::uint64_t* const row = now_.row(i);
    set_usable(row, step, model_.steps[step].writes);
    set_satisfied(row, step, !model_.steps[step].must_happen);
    settle(row, step);
  }
}

/// An unknown write that no operation can see any more: forget it.
void KeySearch::on_retire(std::uint32_t step) {
  next_.clear();
  for (std::size_t i = 0; i < now_.size(); ++i) keep_without(now_.row(i), step);
}

void KeySearch::on_answer(std::uint32_t target) {
  next_.clear();
  unsatisfied_.clear();
  unused_.clear();
  for (std::size_t i = 0; i < now_.size(); ++i) {
    (satisfied(now_.row(i), target) ? unused_ : unsatisfied_).add(now_.row(i));
  }
  satisfy(target);
  for (std::size_t i = 0; i < unused_.size(); ++i) keep_without(unused_.row(i), target);
  const Step& step = model_.steps[target];
  if (step.writes && step.seen_until > step.returned) use(target);
}

/// Adds what follows from unsatisfied_: to next_ if the target took effect, to unused_ if it became
/// satisfied without.
void KeySearch::satisfy(std::uint32_t target) {
  for (std::size_t i = 0; i < unsatisfied_.size(); ++i) {
    if (!may_look_further()) return;
    std::copy_n(unsatisfied_.row(i), row_.size(), row_.begin());
    find_worthwhile(target);
    for (const std::uint32_t step : worthwhile_) {
      successor_ = row_;
      apply(step, successor_.data());
      if (step == target) {
        keep_without(successor_.data(), target);
      } else {
        (satisfied(successor_.data(), target) ? unused_ : unsatisfied_).add(successor_.data());
      }
    }
  }
}

/// Adds to next_ what follows from unused_ by the target's taking effect after all.
void KeySearch::use(std::uint32_t target) {
  for (std::size_t i = 0; i < unused_.size(); ++i) {
    if (!may_look_further()) return;
    if (!usable(unused_.row(i), target)) continue;
    std::copy_n(unused_.row(i), row_.size(), row_.begin());
    find_worthwhile(target);
    for (const std::uint32_t step : worthwhile_) {
      successor_ = row_;
      apply(step, successor_.data());
      if (step == target) {
        keep_without(successor_.data(), target);
      } else {
        unused_.add(successor_.data());
      }
    }
  }
}

/// Which steps to let take effect next in row_, on the way to the target.
void KeySearch::find_worthwhile(std::uint32_t target) {
  const std::uint64_t* const row = row_.data();
  observers_.clear();
  std::uint32_t unsatisfied_blind = 0;
  for (const std::uint32_t i : pending_) {
    const Step& step = model_.steps[i];
    const bool waits = !satisfied(row, i) && (step.requires_match || step.requires_mismatch);
    if (waits || (usable(row, i) && !step.blind())) observers_.push_back(i);
    if (step.blind() && !satisfied(row, i)) ++unsatisfied_blind;
  }
  worthwhile_.clear();
  for (const std::uint32_t i : pending_) {
    const Step& step = model_.steps[i];
    if (!usable(row, i) || !model_.applicable(step, state(row))) continue;
    if (step.result == state(row)) {
      const bool satisfies_another = unsatisfied_blind > (satisfied(row, i) ? 0U : 1U);
      if (!step.blind() || !satisfies_another) continue;
    } else {
      const bool has_to = !step.blind() && step.must_happen;
      if (i != target && !has_to && !is_seen(i)) continue;
    }
    const bool stands_for_it =
        step.blind() && std::ranges::any_of(worthwhile_, [&](std::uint32_t other) {
          return model_.steps[other].blind() && model_.steps[other].result == step.result &&
                 satisfied(row, other) == satisfied(row, i);
        });
    if (!stands_for_it) worthwhile_.push_back(i);
  }
}

/// True if some other operation under way waits for what `step` would make.
bool KeySearch::is_seen(std::uint32_t step) const {
  return std::ranges::any_of(observers_, [&](std::uint32_t other) {
    return other != step && model_.applicable(model_.steps[other], model_.steps[step].result);
  });
}

void KeySearch::apply(std::uint32_t step, std::uint64_t* row) const {
  row[0] = model_.steps[step].result;
  set_usable(row, step, false);
  set_satisfied(row, step, true);
  const bool blind = model_.steps[step].blind();
  for (const std::uint32_t other : pending_) {
    if (blind && model_.steps[other].blind()) {
      set_satisfied(row, other, true);
    } else {
      settle(row, other);
    }
  }
}

/// Satisfies `step` if it would leave the state as it is.
void KeySearch::settle(std::uint64_t* row, std::uint32_t step) const {
  const Step& s = model_.steps[step];
  if (s.writes && s.result != state(row)) return;
  if (model_.applicable(s, state(row))) set_satisfied(row, step, true);
}

/// Adds to next_ the row with `step` no longer under way.
void KeySearch::keep_without(const std::uint64_t* row, std::uint32_t step) {
  std::copy_n(row, kept_.size(), kept_.begin());
  set_satisfied(kept_.data(), step, false);
  set_usable(kept_.data(), step, false);
  next_.add(kept_.data());
}

/// Moves next_ to now_, those that can do most first, so that they push out what they cover.
void KeySearch::keep_best() {
  order_.clear();
  for (std::uint32_t i = 0; i < next_.size(); ++i) {
    const std::uint64_t* const row = next_.row(i);
    int bits = 0;
    for (std::size_t w = 1; w < row_.size(); ++w) bits += std::popcount(row[w]);
    order_.emplace_back(-bits, i);
  }
  std::ranges::sort(order_);
  now_.clear();
  for (const auto& [bits, i] : order_) {
    if (now_.size() == width_) {
      left_out_ = true;
      break;
    }
    now_.add(next_.row(i));
  }
}

bool KeySearch::may_look_further() {
  constexpr std::size_t per_event = 8;
  const std::size_t held = next_.size() + unsatisfied_.size() + unused_.size();
  if (++steps_taken_ <= steps_max_ && held <= per_event * width_) return true;
  left_out_ = true;
  return false;
}

std::vector<StateIndex> KeySearch::possible_states() const {
  std::vector<StateIndex> states;
  for (std::size_t i = 0; i < now_.size(); ++i) states.push_back(state(now_.row(i)));
  std::ranges::sort(states);
  states.erase(std::ranges::unique(states).begin(), states.end());
  return states;
}

}  // namespace grey::lincheck
