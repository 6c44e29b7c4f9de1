// Errors of the client as boost::system::error_code: one category whose numbers are those of the
// wire. A cancelled operation ends with boost::asio::error::operation_aborted instead.
//
// Of a write, every error but one says that it was not applied. The one is
// errc::outcome_unknown: it may or may not have been, and the result's token can be used to find
// out later (Client::async_resolve).
#pragma once
#include <boost/system/error_code.hpp>
#include <boost/system/error_condition.hpp>
#include <type_traits>

namespace grey {

enum class errc : int {
#define GREY_ERROR(name, number, text) name = number,
#include "base/error_table.def"
#undef GREY_ERROR
};

/// What to do about an error, for `if (ec == grey::condition::temporary)`.
enum class condition : int {
  unreachable = 1,  // no node could be reached; nothing was done
  temporary = 2,    // not applied; the same operation may succeed later (includes unreachable)
  invalid_use = 3,  // not applied, and never will be as it stands: key, value, tenant, rights
};

const boost::system::error_category& error_category() noexcept;
const boost::system::error_category& condition_category() noexcept;

inline boost::system::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), error_category()};
}
inline boost::system::error_condition make_error_condition(condition what) noexcept {
  return {static_cast<int>(what), condition_category()};
}

}  // namespace grey

template <>
struct boost::system::is_error_code_enum<grey::errc> : std::true_type {};
template <>
struct boost::system::is_error_condition_enum<grey::condition> : std::true_type {};
