// Bytes as text: what may be shown on a terminal, what JSON can hold, what a shell takes as it is.
// Keys and values are arbitrary bytes, so nothing of them is printed without one of these.
#pragma once
#include <string>
#include <string_view>

namespace grey::ctl {

/// Well-formed UTF-8: without overlong forms, surrogates or anything above U+10FFFF.
bool is_utf8(std::string_view bytes) noexcept;
/// UTF-8 that a terminal can be given: no control characters but tabs and line ends.
bool is_printable(std::string_view bytes) noexcept;
/// As it is if it is printable (with `one_line`: and has no line ends), else with every byte
/// outside printable ASCII as \xNN, and \ as \\.
std::string show_bytes_as_text(std::string_view bytes, bool one_line);
/// RFC 4648, with padding.
std::string to_base64(std::string_view bytes);
/// As one word of a POSIX shell; bare where that is safe.
std::string shell_quote(std::string_view word);

}  // namespace grey::ctl
