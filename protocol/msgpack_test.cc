// MessagePack against nlohmann::json as the oracle, and against everything that is malformed.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/random.h"
#include "protocol/msgpack_reader.h"
#include "protocol/msgpack_writer.h"

namespace grey::msgpack {
namespace {

using nlohmann::json;

json random_value(Random& random, int depth) {
  switch (random.below(depth > 0 ? 10 : 8)) {
    case 0:
      return nullptr;
    case 1:
      return random.chance(0.5);
    case 2:
      return random.next() >> random.below(64);
    case 3:
      return -static_cast<std::int64_t>(random.next() >> (1 + random.below(63)));
    case 4:
      return static_cast<double>(random.next()) / 7;
    case 5:
      return std::string(random.below(300), 'a');
    case 6:
      return std::string(random.chance(0.1) ? 70'000 : random.below(40), 's');
    case 7:
      return json::binary(std::vector<std::uint8_t>(random.below(70'000), 0xee));
    case 8: {
      json array = json::array();
      for (std::uint64_t i = random.below(20); i > 0; --i) {
        array.push_back(random_value(random, depth - 1));
      }
      return array;
    }
    default: {
      json map = json::object();
      for (std::uint64_t i = random.below(20); i > 0; --i) {
        map["k" + std::to_string(i)] = random_value(random, depth - 1);
      }
      return map;
    }
  }
}

void write(Writer& out, const json& value) {
  switch (value.type()) {
    case json::value_t::null:
      out.nil();
      break;
    case json::value_t::boolean:
      out.boolean(value.get<bool>());
      break;
    case json::value_t::number_unsigned:
      out.uint(value.get<std::uint64_t>());
      break;
    case json::value_t::number_integer:
      out.integer(value.get<std::int64_t>());
      break;
    case json::value_t::number_float:
      out.real(value.get<double>());
      break;
    case json::value_t::string:
      out.str(value.get_ref<const std::string&>());
      break;
    case json::value_t::binary: {
      const auto& bytes = value.get_binary();
      out.bin({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
      break;
    }
    case json::value_t::array:
      out.array(value.size());
      for (const json& element : value) write(out, element);
      break;
    default:
      out.map(value.size());
      for (const auto& [key, element] : value.items()) {
        out.str(key);
        write(out, element);
      }
  }
}

// Reads what the oracle says should be there.
bool same(Reader& in, const json& expected) {
  switch (expected.type()) {
    case json::value_t::null:
      return in.try_nil();
    case json::value_t::boolean:
      return in.read_bool() == expected.get<bool>() && in.ok();
    case json::value_t::number_unsigned:
      return in.read_uint() == expected.get<std::uint64_t>();
    case json::value_t::number_integer:
      return in.read_int() == expected.get<std::int64_t>();
    case json::value_t::number_float:
      return in.read_double() == expected.get<double>();
    case json::value_t::string:
      return in.read_str() == expected.get_ref<const std::string&>();
    case json::value_t::binary: {
      const auto& bytes = expected.get_binary();
      return in.read_bin() == ByteView(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    case json::value_t::array:
      if (in.read_array() != expected.size()) return false;
      for (const json& element : expected) {
        if (!same(in, element)) return false;
      }
      return true;
    default:
      if (in.read_map() != expected.size()) return false;
      for (const auto& [key, element] : expected.items()) {
        if (in.read_str() != key || !same(in, element)) return false;
      }
      return true;
  }
}

const Limits wide{.depth_max = 16, .elements_max = 1u << 20, .str_bytes_max = 1u << 20};

TEST(MessagePack, AgreesWithTheOracleBothWays) {
  Random random(1);
  for (int round = 0; round < 300; ++round) {
    const json value = random_value(random, 3);
    Bytes written;
    Writer out(written);
    write(out, value);
    const auto by_oracle = json::to_msgpack(value);
    const ByteView encoded(reinterpret_cast<const char*>(by_oracle.data()), by_oracle.size());
    EXPECT_EQ(written.size(), encoded.size()) << "shortest form";
    EXPECT_EQ(json::from_msgpack(written), value);
    for (const ByteView input : {ByteView(written), encoded}) {
      Reader in(input, wide);
      EXPECT_TRUE(same(in, value));
      EXPECT_TRUE(in.ok() && in.at_end());
      Reader skipping(input, wide);
      EXPECT_EQ(skipping.skip(), input);
      EXPECT_TRUE(skipping.ok() && skipping.at_end());
    }
  }
}

TEST(MessagePack, EveryTruncationIsMalformed) {
  Random random(2);
  for (int round = 0; round < 60; ++round) {
    Bytes written;
    Writer out(written);
    write(out, random_value(random, 3));
    const std::size_t step = 1 + written.size() / 200;
    for (std::size_t size = 0; size < written.size(); size += step) {
      Reader in(ByteView(written).substr(0, size), wide);
      in.skip();
      EXPECT_EQ(in.error(), ErrorCode::bad_envelope);
    }
  }
}

TEST(MessagePack, IntegersAreRangeChecked) {
  const auto uint_of = [](ByteView bytes, std::uint64_t max) {
    Reader in(bytes);
    const std::uint64_t value = in.read_uint(max);
    return in.ok() ? std::optional(value) : std::nullopt;
  };
  EXPECT_EQ(uint_of("\x7f", 0x7f), 0x7f);
  EXPECT_EQ(uint_of("\x7f", 0x7e), std::nullopt);
  EXPECT_EQ(uint_of("\xff", 1000), std::nullopt) << "-1";
  EXPECT_EQ(uint_of({"\xd0\x05", 2}, 1000), 5) << "a positive number in a signed form";
  EXPECT_EQ(uint_of({"\xd3\x80\0\0\0\0\0\0\0", 9}, ~0ull), std::nullopt);
  EXPECT_EQ(uint_of({"\xcf\0\0\0\0\0\0\0\5", 9}, 5), 5) << "any width";
  Reader too_large(ByteView("\xcf\x80\0\0\0\0\0\0\0", 9));
  too_large.read_int();
  EXPECT_FALSE(too_large.ok());
  EXPECT_EQ(uint_of("\xa1x", ~0ull), std::nullopt);
  EXPECT_EQ(uint_of("\xc0", ~0ull), std::nullopt);
}

TEST(MessagePack, ClaimsAreCheckedBeforeTheyAreUsed) {
  const auto error_of = [](ByteView bytes, Limits limits = {}) {
    Reader in(bytes, limits);
    in.skip();
    return in.error();
  };
  // Sizes and counts beyond what is there.
  EXPECT_EQ(error_of({"\xc6\x00\x10\x00\x00", 5}), ErrorCode::bad_envelope);
  EXPECT_EQ(error_of({"\xdd\x00\x00\x10\x00", 5}), ErrorCode::bad_envelope);
  EXPECT_EQ(error_of({"\xdf\xff\xff\xff\xff", 5}), ErrorCode::bad_envelope);
  // Beyond the limits.
  EXPECT_EQ(error_of({"\xdb\xff\xff\xff\xff", 5}), ErrorCode::envelope_value_too_large);
  EXPECT_EQ(error_of({"\xc6\xff\xff\xff\xff", 5}), ErrorCode::envelope_value_too_large);
  EXPECT_EQ(error_of("\x93\x01\x02\x03", {.elements_max = 3}),
            ErrorCode::envelope_too_many_elements);
  EXPECT_EQ(error_of("\x93\x01\x02\x03", {.elements_max = 4}), ErrorCode::ok);
  EXPECT_EQ(error_of("\x91\x91\x91\x01", {.depth_max = 2}), ErrorCode::envelope_too_deep);
  EXPECT_EQ(error_of("\x91\x91\x01", {.depth_max = 2}), ErrorCode::ok);
  EXPECT_EQ(error_of(Bytes(100, '\x91') + '\1', {.depth_max = 1000}), ErrorCode::envelope_too_deep);
  // Types that Grey has no use for.
  EXPECT_EQ(error_of("\xc1"), ErrorCode::bad_envelope);
  EXPECT_EQ(error_of({"\xd4\x00\x00", 3}), ErrorCode::bad_envelope);
  EXPECT_EQ(error_of({"\xc7\x01\x00\x00", 4}), ErrorCode::bad_envelope);
}

TEST(MessagePack, ErrorsStickAndYieldNothing) {
  Reader in("\x93\xc1\x01\x02");
  EXPECT_EQ(in.read_array(), 3u);
  EXPECT_EQ(in.read_str(), "");
  EXPECT_EQ(in.read_uint(), 0u);
  EXPECT_EQ(in.read_bin(), "");
  EXPECT_FALSE(in.try_nil());
  EXPECT_EQ(in.skip(), "");
  EXPECT_EQ(in.error(), ErrorCode::bad_envelope);
}

}  // namespace
}  // namespace grey::msgpack
