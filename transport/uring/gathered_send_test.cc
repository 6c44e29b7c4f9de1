#include "transport/uring/gathered_send.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace grey::transport::uring {
namespace {

Bytes joined(const msghdr& message) {
  Bytes bytes;
  for (std::size_t i = 0; i < message.msg_iovlen; ++i) {
    bytes.append(static_cast<const char*>(message.msg_iov[i].iov_base), message.msg_iov[i].iov_len);
  }
  return bytes;
}

SendBatch batch_of(std::size_t pieces, Random& random) {
  SendBatch batch;
  for (std::size_t i = 0; i < pieces; ++i) {
    const auto fill = static_cast<char>(random.next());
    if (random.chance(0.5)) {
      batch.append_shared(
          SharedBytes(Bytes(SendBatch::share_threshold_bytes + random.below(9), fill)));
    } else {
      batch.append(Bytes(1 + random.below(9), fill));
    }
  }
  return batch;
}

TEST(GatheredSend, EveryByteOnceInOrderWhateverTheKernelTakes) {
  Random random(3);
  GatheredSend send;
  for (int round = 0; round < 200; ++round) {
    SendBatch batch = batch_of(1 + random.below(20), random);
    const Bytes expected = batch.flatten();
    send.begin(std::move(batch));
    Bytes taken;
    while (!send.done()) {
      const Bytes offered = joined(send.next_message());
      ASSERT_FALSE(offered.empty());
      const std::size_t size = 1 + random.below(offered.size());
      taken += offered.substr(0, size);
      send.advance(size);
    }
    EXPECT_EQ(taken, expected);
    EXPECT_TRUE(send.take().empty());
    EXPECT_FALSE(send.active());
  }
}

TEST(GatheredSend, OffersNoMorePiecesThanTheKernelAccepts) {
  const SharedBytes piece(Bytes(SendBatch::share_threshold_bytes, 'p'));
  SendBatch batch;
  for (std::size_t i = 0; i < GatheredSend::pieces_max + 5; ++i) batch.append_shared(piece);
  GatheredSend send;
  send.begin(std::move(batch));
  EXPECT_EQ(send.next_message().msg_iovlen, GatheredSend::pieces_max);
  send.advance(joined(send.next_message()).size());
  EXPECT_EQ(send.next_message().msg_iovlen, 5u);
}

TEST(GatheredSend, AnEmptyBatchIsDoneAtOnce) {
  GatheredSend send;
  EXPECT_FALSE(send.done());
  send.begin({});
  EXPECT_TRUE(send.done());
}

}  // namespace
}  // namespace grey::transport::uring
