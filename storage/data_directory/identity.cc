#include "storage/data_directory/identity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/hash.h"

namespace grey::storage {
namespace {

constexpr std::uint32_t format_version = 1;
constexpr std::string_view checksum_name = "checksum: ";

std::string hexadecimal(std::uint64_t value) {
  std::array<char, 16> digits;
  digits.fill('0');
  std::array<char, 16> raw;
  const auto end = std::to_chars(raw.data(), raw.data() + raw.size(), value, 16).ptr;
  std::copy_backward(raw.data(), end, digits.end());
  return {digits.data(), digits.size()};
}

// Takes the line "name: value\n" from the front of `text`.
std::optional<std::string_view> take(std::string_view& text, std::string_view name) {
  const auto end = text.find('\n');
  if (end == text.npos || !text.starts_with(name)) return std::nullopt;
  std::string_view value = text.substr(name.size(), end - name.size());
  if (!value.starts_with(": ")) return std::nullopt;
  value.remove_prefix(2);
  text.remove_prefix(end + 1);
  return value;
}

bool take_hexadecimal(std::string_view& text, std::string_view name, std::uint64_t& value) {
  const auto digits = take(text, name);
  if (!digits || digits->size() != 16) return false;
  const char* const end = digits->data() + digits->size();
  const auto result = std::from_chars(digits->data(), end, value, 16);
  return result.ec == std::errc() && result.ptr == end;
}

template <typename T>
bool take_number(std::string_view& text, std::string_view name, T& value) {
  const auto digits = take(text, name);
  if (!digits) return false;
  const char* const end = digits->data() + digits->size();
  const auto result = std::from_chars(digits->data(), end, value);
  return result.ec == std::errc() && result.ptr == end;
}

bool take_text(std::string_view& text, std::string_view name, std::string& value) {
  const auto found = take(text, name);
  if (found) value = *found;
  return found.has_value();
}

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

// The text without its last line, if that is the right checksum.
std::optional<std::string_view> checked(std::string_view text) {
  const auto at = text.rfind(checksum_name);
  if (at == text.npos || (at > 0 && text[at - 1] != '\n')) return std::nullopt;
  const std::string_view covered = text.substr(0, at);
  const auto expected = std::string(checksum_name) + hexadecimal(xxh3_64(covered)) + "\n";
  if (text.substr(at) != expected) return std::nullopt;
  return covered;
}

}  // namespace

std::string DirectoryOwner::to_string() const {
  return "node " + std::to_string(node) + " of cluster " + cluster + ", engine " + engine +
         ", topology " + hexadecimal(topology_hash);
}

Status check_owner(const DirectoryOwner& owner) {
  if (!is_word(owner.cluster)) {
    return fail(ErrorCode::config_bad_value,
                "cluster: 1 to 64 printable ASCII characters without spaces are needed");
  }
  if (owner.node == 0) return fail(ErrorCode::config_bad_value, "node: 0 names no node");
  if (!is_word(owner.engine)) return fail(ErrorCode::config_bad_value, "engine: no such engine");
  return {};
}

std::string format_identity(const DirectoryIdentity& identity) {
  std::string text =
      "format: " + std::to_string(format_version) + "\ncluster: " + identity.owner.cluster +
      "\nnode: " + std::to_string(identity.owner.node) + "\nengine: " + identity.owner.engine +
      "\ntopology: " + hexadecimal(identity.owner.topology_hash) +
      "\nincarnation: " + std::to_string(identity.incarnation) +
      "\ncreated_unix_ns: " + std::to_string(identity.created_unix_ns) + "\n";
  text += std::string(checksum_name) + hexadecimal(xxh3_64(text)) + "\n";
  return text;
}

Result<DirectoryIdentity> parse_identity(std::string_view text, const std::string& where) {
  auto rest = checked(text);
  if (!rest) {
    return fail(ErrorCode::storage_corrupt,
                where +
                    ": checksum mismatch; it was damaged or edited. Replace this node's data "
                    "directory, do not repair the file");
  }
  std::uint32_t format = 0;
  if (!take_number(*rest, "format", format) || format == 0) {
    return fail(ErrorCode::storage_corrupt, where + ": no format version");
  }
  if (format > format_version) {
    return fail(ErrorCode::storage_newer_format,
                where + ": format " + std::to_string(format) + ", this program knows up to " +
                    std::to_string(format_version) +
                    "; run the version that wrote it or a newer one");
  }
  DirectoryIdentity identity;
  const bool complete = take_text(*rest, "cluster", identity.owner.cluster) &&
                        take_number(*rest, "node", identity.owner.node) &&
                        take_text(*rest, "engine", identity.owner.engine) &&
                        take_hexadecimal(*rest, "topology", identity.owner.topology_hash) &&
                        take_number(*rest, "incarnation", identity.incarnation) &&
                        take_number(*rest, "created_unix_ns", identity.created_unix_ns);
  if (!complete || !rest->empty() || !check_owner(identity.owner)) {
    return fail(ErrorCode::storage_corrupt, where + ": a line is missing, foreign or malformed");
  }
  return identity;
}

}  // namespace grey::storage
