// Errors and results. An Error is a code that a caller can react to plus a detail for people
// (what, where, what to do). Functions that can fail return Result<T>; nothing of ours throws.
#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace grey {

enum class ErrorCode : std::uint16_t {
  ok = 0,
#define GREY_ERROR(name, number, text) name = number,
#include "base/error_table.def"
#undef GREY_ERROR
};

/// The code's name in the table ("outcome_unknown"); "unrecognised" for a number not in it.
std::string_view error_name(ErrorCode code) noexcept;
/// The code's one-line text for people.
std::string_view error_text(ErrorCode code) noexcept;
/// True if `number` is in the table (or 0).
bool is_known_error(std::uint16_t number) noexcept;

struct [[nodiscard]] Error {
  ErrorCode code = ErrorCode::ok;
  std::string detail;  // may be empty

  explicit operator bool() const noexcept { return code != ErrorCode::ok; }
  /// "name: text (detail)".
  std::string message() const;
  friend bool operator==(const Error& a, const Error& b) noexcept { return a.code == b.code; }
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

/// `return fail(ErrorCode::bad_crc, "...")` from any function that returns Result<T>.
inline std::unexpected<Error> fail(ErrorCode code, std::string detail = {}) {
  return std::unexpected<Error>(Error{code, std::move(detail)});
}

}  // namespace grey
