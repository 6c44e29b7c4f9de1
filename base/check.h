// Always-on assertions for what cannot happen. Never used on input: bad input gets an Error.
#pragma once

namespace grey {
[[noreturn]] void check_failed(const char* expression, const char* file, int line) noexcept;
}

#define GREY_CHECK(expression)                               \
  do {                                                       \
    if (!(expression)) [[unlikely]]                          \
      ::grey::check_failed(#expression, __FILE__, __LINE__); \
  } while (false)
