// Bugs planted on purpose, to prove that the simulator and its checkers would find them. They exist
// only in the mutant build of the tests (GREY_PLANTED_BUGS); in the product every question below is
// the constant `false` and the compiler removes the branch.
#pragma once

namespace grey::cluster {

enum class PlantedBug {
  none,
  read_without_identity_round,  // against rule 6
  accept_ignores_promise,       // against rule 3
  promise_not_persisted,        // against rule 2
  in_doubt_by_last_attempt,     // against rule 12
};

class PlantedBugs {
 public:
#ifdef GREY_PLANTED_BUGS
  constexpr PlantedBugs() = default;
  constexpr explicit PlantedBugs(PlantedBug bug) : bug_(bug) {}
  constexpr bool has(PlantedBug bug) const { return bug_ == bug; }

 private:
  PlantedBug bug_ = PlantedBug::none;
#else
  constexpr bool has(PlantedBug) const { return false; }
#endif
};

}  // namespace grey::cluster
