#include <grey/types.h>

#include <charconv>
#include <system_error>

namespace grey {
namespace {

void append_hex(std::string& out, std::uint64_t value, std::size_t digits) {
  char text[16];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value, 16);
  const auto size = static_cast<std::size_t>(end - text);
  if (size < digits) out.append(digits - size, '0');
  out.append(text, size);
}

std::optional<std::uint64_t> parse_hex(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

}  // namespace

std::string Version::to_string() const {
  std::string out;
  append_hex(out, client_high, 16);
  append_hex(out, client_low, 16);
  out += '-';
  append_hex(out, sequence, 16);
  return out;
}

std::optional<Version> Version::parse(std::string_view text) {
  if (text.size() != 49 || text[32] != '-') return {};
  const auto high = parse_hex(text.substr(0, 16));
  const auto low = parse_hex(text.substr(16, 16));
  const auto number = parse_hex(text.substr(33));
  if (!high || !low || !number) return {};
  const Version version{*high, *low, *number};
  return version ? std::optional(version) : std::nullopt;
}

// The version, then the window's numbers in hexadecimal, with dots between.
std::string WriteToken::to_string() const {
  std::string out = operation.to_string() + '.';
  append_hex(out, epoch, 1);
  for (const std::uint64_t part : low) {
    out += '.';
    append_hex(out, part, 1);
  }
  out += '.';
  append_hex(out, round_high, 1);
  return out;
}

std::optional<WriteToken> WriteToken::parse(std::string_view text) {
  WriteToken token;
  std::uint64_t* const parts[] = {&token.epoch,  &token.low[0], &token.low[1],    &token.low[2],
                                  &token.low[3], &token.low[4], &token.round_high};
  std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return {};
  const auto version = Version::parse(text.substr(0, dot));
  if (!version) return {};
  token.operation = *version;
  for (std::uint64_t* part : parts) {
    if (dot == std::string_view::npos) return {};
    text.remove_prefix(dot + 1);
    dot = text.find('.');
    const auto value = parse_hex(text.substr(0, dot));
    if (!value) return {};
    *part = *value;
  }
  if (dot != std::string_view::npos || token.low[2] > 0xffffffff) return {};
  return token;
}

}  // namespace grey
