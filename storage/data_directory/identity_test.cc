#include "storage/data_directory/identity.h"

#include <gtest/gtest.h>

#include "base/hash.h"

namespace grey::storage {
namespace {

const DirectoryIdentity identity{
    {"prod-eu", 3, "rocksdb", 0x0f61c05be2d7a493}, 7, 1790000000000000000};

ErrorCode parsed(std::string_view text) {
  const auto result = parse_identity(text, "identity");
  return result ? ErrorCode::ok : result.error().code;
}

// `lines` with a checksum that is right.
std::string sealed(std::string lines) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(xxh3_64(lines)));
  return lines + "checksum: " + digits + "\n";
}

TEST(Identity, IsTextThatPeopleCanRead) {
  EXPECT_EQ(format_identity(identity), sealed("format: 1\n"
                                              "cluster: prod-eu\n"
                                              "node: 3\n"
                                              "engine: rocksdb\n"
                                              "topology: 0f61c05be2d7a493\n"
                                              "incarnation: 7\n"
                                              "created_unix_ns: 1790000000000000000\n"));
  EXPECT_EQ(parse_identity(format_identity(identity), "identity"), identity);
}

TEST(Identity, EveryFlippedBitAndTruncationIsNoticed) {
  const std::string text = format_identity(identity);
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string damaged = text;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_EQ(parsed(damaged), ErrorCode::storage_corrupt) << damaged;
  }
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_EQ(parsed(text.substr(0, size)), ErrorCode::storage_corrupt);
  }
  EXPECT_EQ(parsed(text + "\n"), ErrorCode::storage_corrupt);
  EXPECT_EQ(parsed(text + text), ErrorCode::storage_corrupt);
}

TEST(Identity, ANewerFormatIsToldFromDamage) {
  EXPECT_EQ(parsed(sealed("format: 2\nanything else\n")), ErrorCode::storage_newer_format);
  EXPECT_EQ(parsed("format: 2\nanything else\n"), ErrorCode::storage_corrupt);
}

TEST(Identity, SealedNonsenseIsCorrupt) {
  for (const char* text :
       {"", "format: 1\ncluster: c\nnode: 1\nengine: e\nincarnation: 1\ncreated_unix_ns: 1\n",
        "format: 1\ncluster: c\nnode: 1\nengine: e\ntopology: 1\nincarnation: 1\n"
        "created_unix_ns: 1\n",
        "format: 1\n", "format: 0\n", "format: x\n", "cluster: c\n",
        "format: 1\ncluster: c\nnode: 0\nengine: e\ntopology: 0000000000000001\nincarnation: "
        "1\ncreated_unix_ns: 1\n",
        "format: 1\ncluster: c\nnode: 5000000000\nengine: e\ntopology: "
        "0000000000000001\nincarnation: 1\ncreated_unix_ns: 1\n",
        "format: 1\ncluster: c\nnode: 1\nengine: e\ntopology: 0000000000000001\nincarnation: "
        "1\ncreated_unix_ns: 1\nmore: 1\n",
        "format: 1\ncluster: c\nnode: 1 \nengine: e\ntopology: 0000000000000001\nincarnation: "
        "1\ncreated_unix_ns: 1\n"}) {
    EXPECT_EQ(parsed(sealed(text)), ErrorCode::storage_corrupt) << text;
  }
}

}  // namespace
}  // namespace grey::storage
