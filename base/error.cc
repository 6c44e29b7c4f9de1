#include "base/error.h"

namespace grey {

std::string_view error_name(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::ok:
      return "ok";
#define GREY_ERROR(name, number, text) \
  case ErrorCode::name:                \
    return #name;
#include "base/error_table.def"
#undef GREY_ERROR
  }
  return "unrecognised";
}

std::string_view error_text(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::ok:
      return "success";
#define GREY_ERROR(name, number, text) \
  case ErrorCode::name:                \
    return text;
#include "base/error_table.def"
#undef GREY_ERROR
  }
  return "an error that this version does not know";
}

bool is_known_error(std::uint16_t number) noexcept {
  return error_name(static_cast<ErrorCode>(number)) != "unrecognised";
}

std::string Error::message() const {
  std::string out(error_name(code));
  out += ": ";
  out += error_text(code);
  if (!detail.empty()) {
    out += " (";
    out += detail;
    out += ")";
  }
  return out;
}

}  // namespace grey
