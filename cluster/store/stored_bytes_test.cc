// The disk layout, byte by byte, as an engine sees it: keys, envelopes and payloads of everything
// that a replica stores. Data outlives the program that wrote it, so these bytes never change; a
// new format gets a new version beside them (docs/adr/0003-disk-layout.md). They were computed by a
// program that shares no code with this one.
#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "cluster/register/record_codec.h"
#include "cluster/store/replica.h"
#include "storage/memory/memory_engine.h"
#include "storage/record_frame.h"
#include "storage/testing/test_executor.h"

namespace grey::cluster {
namespace {

using Stored = std::map<std::string, std::string>;  // hexadecimal

constexpr std::uint64_t token = 0x0102030405060708;
constexpr RangeToken range = 0x1112131415161718;

const Stored golden = {
    // 'R', range token: checksum, version 1, promise 1.1.n2.3.4, no purge floor.
    {"521112131415161718",
     "fc70b5968fae7205"
     "0001"
     "000000000000000100000000000000010000000200000000000000030000000000000004"
     "000000000000000000000000000000000000000000000000000000000000000000000000"},
    // 'i', tenant size, tenant, key: nothing.
    {"690174676f6e65", ""},
    {"6901746b", ""},
    // 'p', token, tenant size, tenant, key: checksum, version 1, promise 1.10.n3.4.7.
    {"700102030405060708"
     "017470726f6d69736564",
     "0b2badf95a0597f8"
     "0001"
     "0000000000000001000000000000000a0000000300000000000000040000000000000007"},
    // 'r', token, name: checksum, version 1, flags 2 (a tombstone, base known), ballot 1.9.n3.4.6,
    // base 1.2.n3.4.5, operation 6-7-9.
    {"720102030405060708"
     "0174676f6e65",
     "eef078ad4ffc4312"
     "0001"
     "02"
     "000000000000000100000000000000090000000300000000000000040000000000000006"
     "000000000000000100000000000000020000000300000000000000040000000000000005"
     "000000000000000600000000000000070000000000000009"},
    // The same with flags 1 (a value, base unknown): operation 6-7-8, XXH3-128, "value".
    {"720102030405060708"
     "01746b",
     "c87e3a408e6cc331"
     "0001"
     "01"
     "000000000000000100000000000000020000000300000000000000040000000000000005"
     "000000000000000600000000000000070000000000000008"
     "d7ab8cce59abd5050d59506fb013961a"
     "76616c7565"},
};

std::string hexadecimal(ByteView bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += digits[static_cast<unsigned char>(c) >> 4];
    text += digits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

Bytes bytes_of(const std::string& text) {
  Bytes bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

KeyName name_of(ByteView key) { return KeyName::make("t", key, token); }

Record value_record() {
  Record record;
  record.ballot = {1, 2, 3, 4, 5};
  record.kind = RecordKind::value;
  record.operation = {{6, 7}, 8};
  record.value = SharedBytes::copy_of("value");
  return record;
}

Record tombstone_record() {
  Record record;
  record.ballot = {1, 9, 3, 4, 6};
  record.kind = RecordKind::tombstone;
  record.base = Ballot{1, 2, 3, 4, 5};
  record.operation = {{6, 7}, 9};
  return record;
}

class StoredBytes : public testing::Test {
 protected:
  ReplicaReply ask(const KeyName& key, decltype(ReplicaRequest::body) body) {
    std::optional<ReplicaReply> answer;
    replica_.handle({1, range, key, std::move(body)},
                    [&](ReplicaReply reply) { answer = std::move(reply); });
    executor_.run_until_idle();
    EXPECT_TRUE(answer && answer->error == ErrorCode::ok);
    return answer.value_or(ReplicaReply{});
  }
  void open() {
    bool is_open = false;
    replica_.open([&](const Status& status) { is_open = status.has_value(); });
    executor_.run_until_idle();
    ASSERT_TRUE(is_open);
  }

  storage::TestExecutor executor_;
  storage::MemoryDisk disk_{Random(1)};
  storage::MemoryEngine engine_{disk_, executor_};
  Replica replica_{{}, executor_, engine_, [](const Error&) {}};
};

TEST_F(StoredBytes, AreWrittenLikeThis) {
  open();
  ask({}, PrepareRangeRequest{{1, 1, 2, 3, 4}});
  ask(name_of("k"), AcceptRequest{value_record()});
  ask(name_of("gone"), AcceptRequest{tombstone_record()});
  ask(name_of("promised"), PrepareRequest{{1, 10, 3, 4, 7}});
  Stored stored;
  engine_.scan("", "", 100, 1u << 20, nullptr, [&](Result<storage::ScanPage> page) {
    for (const auto& [key, value] : page->entries) stored[hexadecimal(key)] = hexadecimal(value);
  });
  executor_.run_until_idle();
  EXPECT_EQ(stored, golden);
}

TEST_F(StoredBytes, AreReadForEver) {
  storage::WriteBatch batch;
  for (const auto& [key, value] : golden) batch.put(bytes_of(key), bytes_of(value));
  engine_.commit(std::move(batch), storage::Durability::sync,
                 [](const Status& status) { EXPECT_TRUE(status); });
  executor_.run_until_idle();
  open();
  EXPECT_EQ(replica_.ranges().at(range).promised, (Ballot{1, 1, 2, 3, 4}));
  const ReplicaReply value = ask(name_of("k"), ReadRequest{});
  EXPECT_EQ(value.record.ballot, value_record().ballot);
  EXPECT_EQ(value.record.base, std::nullopt);
  EXPECT_EQ(value.record.operation, value_record().operation);
  EXPECT_EQ(value.record.value.view(), "value");
  const ReplicaReply gone = ask(name_of("gone"), ReadRequest{});
  EXPECT_EQ(gone.record.kind, RecordKind::tombstone);
  EXPECT_EQ(gone.record.ballot, tombstone_record().ballot);
  EXPECT_EQ(gone.record.base, tombstone_record().base);
  EXPECT_EQ(gone.key_promise, tombstone_record().ballot);
  EXPECT_EQ(ask(name_of("promised"), ReadRequest{}).key_promise, (Ballot{1, 10, 3, 4, 7}));
}

// A record of a later version gets no vote, and is called by its name rather than damaged.
TEST_F(StoredBytes, OfANewerVersionAreRefusedAsSuch) {
  open();
  const Bytes key = record_storage_key(name_of("k"));
  storage::WriteBatch batch;
  batch.put(key, storage::seal_record(2, key, "what a later version writes"));
  engine_.commit(std::move(batch), storage::Durability::sync, [](const Status&) {});
  executor_.run_until_idle();
  std::optional<ReplicaReply> answer;
  replica_.handle({1, range, name_of("k"), ReadRequest{}},
                  [&](ReplicaReply reply) { answer = std::move(reply); });
  executor_.run_until_idle();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->error, ErrorCode::storage_newer_format);
  EXPECT_EQ(replica_.counters().faulty_records, 0u);
}

}  // namespace
}  // namespace grey::cluster
