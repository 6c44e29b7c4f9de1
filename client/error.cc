#include <grey/error.h>

#include <string>

#include "base/error.h"

// Boost's categories have no virtual destructor; nobody deletes one.
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"

namespace grey {
namespace {

class ErrorCategory final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "grey"; }
  std::string message(int value) const override {
    return std::string(error_text(static_cast<ErrorCode>(value)));
  }
};

bool is_unreachable(errc code) noexcept {
  switch (code) {
    case errc::connection_refused:
    case errc::connection_reset:
    case errc::peer_closed:
    case errc::connect_timeout:
    case errc::network_unreachable:
    case errc::handshake_timeout:
    case errc::idle_timeout:
    case errc::breaker_open:
      return true;
    default:
      return false;
  }
}

bool is_temporary(errc code) noexcept {
  switch (code) {
    case errc::deadline_exceeded:
    case errc::no_quorum:
    case errc::overloaded:
    case errc::window_stale:
    case errc::wrong_epoch:
    case errc::shutting_down:
    case errc::going_away:
      return true;
    default:
      return is_unreachable(code);
  }
}

bool is_invalid_use(errc code) noexcept {
  switch (code) {
    case errc::bad_request:
    case errc::unknown_method:
    case errc::key_too_large:
    case errc::value_too_large:
    case errc::tenant_invalid:
    case errc::unauthorised:
    case errc::usage:
      return true;
    default:
      return false;
  }
}

class ConditionCategory final : public boost::system::error_category {
 public:
  const char* name() const noexcept override { return "grey.condition"; }
  std::string message(int value) const override {
    switch (static_cast<condition>(value)) {
      case condition::unreachable:
        return "no node could be reached";
      case condition::temporary:
        return "not applied; may succeed later";
      case condition::invalid_use:
        return "not applied; the request cannot succeed as it stands";
    }
    return "unknown condition";
  }
  bool equivalent(const boost::system::error_code& error, int value) const noexcept override {
    if (error.category() != grey::error_category()) return false;
    const auto code = static_cast<errc>(error.value());
    switch (static_cast<condition>(value)) {
      case condition::unreachable:
        return is_unreachable(code);
      case condition::temporary:
        return is_temporary(code);
      case condition::invalid_use:
        return is_invalid_use(code);
    }
    return false;
  }
};

}  // namespace

const boost::system::error_category& error_category() noexcept {
  static const ErrorCategory category;
  return category;
}

const boost::system::error_category& condition_category() noexcept {
  static const ConditionCategory category;
  return category;
}

}  // namespace grey
