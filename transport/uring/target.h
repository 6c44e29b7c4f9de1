// The receiver of completions. user_data of an operation is the target's address with a small slot
// number in its low bits, so that a completion finds its target without a table. Whoever launches
// an operation keeps the target at its address until the operation's last completion.
#pragma once
#include <cstdint>

namespace grey::transport::uring {

class alignas(8) Target {
 public:
  static constexpr unsigned slots = 8;

  /// One completion of the operation launched in `slot`; its last unless `flags` has
  /// IORING_CQE_F_MORE. `result` is what the system call would return, or -errno.
  virtual void on_completion(unsigned slot, int result, std::uint32_t flags) = 0;

  std::uint64_t user_data(unsigned slot) { return reinterpret_cast<std::uintptr_t>(this) | slot; }
  static Target& from(std::uint64_t user_data) {
    return *reinterpret_cast<Target*>(user_data & ~std::uint64_t{slots - 1});
  }
  static unsigned slot_of(std::uint64_t user_data) { return user_data & (slots - 1); }

 protected:
  Target() = default;
  ~Target() = default;
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;
};

}  // namespace grey::transport::uring
