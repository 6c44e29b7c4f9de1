// The values that go into and come out of a client's operations. Plain data, safe to copy; keys
// and values are arbitrary bytes.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace grey {

/// Names a value by the write that made it. Two values with one version are the same value; a
/// version says nothing about order.
struct Version {
  std::uint64_t client_high = 0;
  std::uint64_t client_low = 0;
  std::uint64_t sequence = 0;

  explicit operator bool() const noexcept { return *this != Version{}; }
  friend bool operator==(const Version&, const Version&) = default;
  /// 32 + 16 hexadecimal digits with a dash between.
  std::string to_string() const;
  static std::optional<Version> parse(std::string_view text);
};

/// Names one submitted write, so that its fate can be asked for later, by any client of the
/// tenant, of any node. Opaque.
struct WriteToken {
  Version operation;
  std::uint64_t epoch = 0;
  std::uint64_t low[5] = {};
  std::uint64_t round_high = 0;

  explicit operator bool() const noexcept { return static_cast<bool>(operation); }
  friend bool operator==(const WriteToken&, const WriteToken&) = default;
  std::string to_string() const;
  static std::optional<WriteToken> parse(std::string_view text);
};

struct GetResult {
  std::string value;
  Version version;
  std::string detail;  // of an error, for people; may be empty
};

struct WriteResult {
  /// put and cas: of the value written. cas that ended with precondition_failed: of the value that
  /// stood in the way (none: absent), as far as it is known.
  Version version;
  /// Of the last submission; with outcome_unknown, of the one in doubt.
  WriteToken token;
  std::string detail;
};

enum class Resolution : std::uint8_t {
  applied,
  not_applied,  // and it never will be: it may be submitted again
  unknown
};

struct ResolveResult {
  Resolution resolution = Resolution::unknown;
  std::string detail;
};

/// What a compare-and-swap expects to find.
class Expect {
 public:
  enum class Kind : std::uint8_t { absent, value, version };

  static Expect absent() { return {}; }
  static Expect value(std::string bytes) {
    Expect expect;
    expect.kind_ = Kind::value;
    expect.bytes_ = std::move(bytes);
    return expect;
  }
  static Expect version(const Version& version) {
    Expect expect;
    expect.kind_ = Kind::version;
    expect.version_ = version;
    return expect;
  }
  Kind kind() const noexcept { return kind_; }
  const std::string& bytes() const noexcept { return bytes_; }
  const Version& as_version() const noexcept { return version_; }

 private:
  Kind kind_ = Kind::absent;
  std::string bytes_;
  Version version_;
};

struct NodeView {
  std::uint32_t id = 0;
  std::string endpoint;
  std::string rack;
  std::string zone;
  bool connected = false;
  std::string last_error;  // why not connected; may be empty
};

struct ClusterView {
  std::string cluster_id;
  std::uint64_t epoch = 0;
  std::uint32_t replication_factor = 0;
  std::uint64_t value_bytes_max = 0;
  std::string server_version;
  std::vector<NodeView> nodes;
  std::string detail;  // of an error, for people; may be empty
};

struct StatusResult {
  std::string document;  // a MessagePack map (docs/data-methods.md)
  std::string detail;
};

}  // namespace grey
