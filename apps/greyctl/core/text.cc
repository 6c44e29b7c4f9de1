#include "apps/greyctl/core/text.h"

#include <algorithm>
#include <cstdint>

namespace grey::ctl {

namespace {

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t bytes = 0;  // 0: not well-formed
};

CodePoint next_code_point(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {};
  std::uint32_t value = lead & (0x7fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xd800 && value <= 0xdfff;
  if (value < smallest[bytes] || surrogate || value > 0x10ffff) return {};
  return {value, bytes};
}

template <typename Accept>
bool all_code_points(std::string_view text, Accept accept) noexcept {
  while (!text.empty()) {
    const CodePoint point = next_code_point(text);
    if (point.bytes == 0 || !accept(point.value)) return false;
    text.remove_prefix(point.bytes);
  }
  return true;
}

bool is_control(std::uint32_t point) noexcept {
  return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

}  // namespace

bool is_utf8(std::string_view bytes) noexcept {
  return all_code_points(bytes, [](std::uint32_t) { return true; });
}

bool is_printable(std::string_view bytes) noexcept {
  return all_code_points(bytes, [](std::uint32_t point) {
    return !is_control(point) || point == '\t' || point == '\n';
  });
}

std::string show_bytes_as_text(std::string_view bytes, bool one_line) {
  if (is_printable(bytes) && !(one_line && bytes.find('\n') != std::string_view::npos)) {
    return std::string(bytes);
  }
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\\') {
      out += "\\\\";
    } else if (byte >= 0x20 && byte < 0x7f) {
      out += c;
    } else {
      constexpr char digits[] = "0123456789abcdef";
      out += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return out;
}

std::string to_base64(std::string_view bytes) {
  constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t here = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < here ? static_cast<unsigned char>(bytes[i + j]) : 0u);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += j <= here ? digits[group >> (18 - 6 * j) & 63] : '=';
    }
  }
  return out;
}

std::string shell_quote(std::string_view word) {
  const bool safe = !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("_-./:,@%+=").find(static_cast<char>(c)) != std::string_view::npos;
  });
  if (safe) return std::string(word);
  // $'…' is what bash, zsh, ksh and POSIX 2024 understand for bytes that cannot be shown.
  if (!is_printable(word)) {
    std::string out = "$'";
    for (const char c : show_bytes_as_text(word, true)) {
      if (c == '\'') out += '\\';
      out += c;
    }
    return out + "'";
  }
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

}  // namespace grey::ctl
