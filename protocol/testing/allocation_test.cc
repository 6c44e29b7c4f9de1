// No heap allocation per frame in the steady state: a request and its response of 100 bytes,
// encoded, carried and decoded between two sessions. Every way to the heap is counted: operator
// new, and OpenSSL's own allocator. A binary of its own, because it replaces both.
#include <gtest/gtest.h>
#include <openssl/crypto.h>

#include <cstdlib>
#include <new>

#include "protocol/msgpack_reader.h"
#include "protocol/msgpack_writer.h"
#include "protocol/testing/session_pair.h"

namespace {
std::uint64_t allocations = 0;

void* counted_malloc(std::size_t size, const char*, int) {
  ++allocations;
  return std::malloc(size);
}
void* counted_realloc(void* block, std::size_t size, const char*, int) {
  ++allocations;
  return std::realloc(block, size);
}
void uncounted_free(void* block, const char*, int) { std::free(block); }
const bool openssl_is_counted =
    CRYPTO_set_mem_functions(counted_malloc, counted_realloc, uncounted_free) == 1;
}  // namespace

// Not inlined: g++ would take the pairing of malloc and delete for a mistake.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* block = std::malloc(size)) return block;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept { std::free(block); }

namespace grey::protocol {
namespace {

// Answers every request with 100 bytes; counts what comes back.
class EchoEvents final : public SessionEvents {
 public:
  void established(const PeerInfo&) override {}
  void request(const RequestView& request, ReplyTo to, CreditToken token,
               const SharedBytes&) override {
    msgpack::Reader in(request.body);
    in.read_bin();
    answer_.clear();
    msgpack::Writer(answer_).bin(ByteView(payload_, sizeof payload_));
    ok_ &= in.ok() && session->send_response(to, {}, {.head = answer_}, at).has_value();
    session->release(token, at);
  }
  void oneway(const OnewayView&, CreditToken, const SharedBytes&) override {}
  void response(const ResponseView& response, std::uint64_t, const SharedBytes&) override {
    ++responses;
    ok_ &= response.code == ErrorCode::ok && response.body.size() == sizeof payload_ + 2;
  }
  void cancel(std::uint64_t, ErrorCode) override {}
  void pong(std::uint64_t) override {}
  void goaway(const GoAway&) override {}
  void send_possible() override {}
  bool admit(std::uint64_t) override { return true; }
  void unadmit(std::uint64_t) override {}
  void failed(const Error&) override { ok_ = false; }

  Session* session = nullptr;
  Instant at;
  std::uint64_t responses = 0;
  bool ok() const { return ok_; }

 private:
  char payload_[100] = {};
  Bytes answer_;
  bool ok_ = true;
};

class EchoPair {
 public:
  EchoPair(const SessionConfig& initiator_config, const SessionConfig& acceptor_config)
      : initiator(initiator_config, initiator_events), acceptor(acceptor_config, acceptor_events) {
    initiator_events.session = &initiator;
    acceptor_events.session = &acceptor;
    initiator.start({});
    acceptor.start({});
    carry();
  }
  // As a stream would: whole batches, received in pieces that do not match the frames.
  void carry_one(Session& from, Session& to) {
    from.take_output(batch_, {});
    for (std::size_t i = 0; i < batch_.piece_count(); ++i) {
      ByteView piece = batch_.piece(i);
      while (!piece.empty()) {
        to.receive(piece.substr(0, piece_max), {});
        piece.remove_prefix(std::min(piece_max, piece.size()));
      }
    }
    batch_.clear();
  }
  void carry() {
    while (initiator.has_output() || acceptor.has_output()) {
      carry_one(initiator, acceptor);
      carry_one(acceptor, initiator);
    }
  }
  bool round_trips(int count, int batch) {
    bool ok = true;
    for (int i = 0; i < count; i += batch) {
      for (int j = 0; j < batch; ++j) {
        body_.clear();
        msgpack::Writer(body_).bin(ByteView(payload_, sizeof payload_));
        const RequestOptions options{.method = 1,
                                     .deadline = MonotonicTime(std::chrono::seconds(1)),
                                     .tenant = "tenant",
                                     .trace = {1, 2, 3, 4, {}},
                                     .idempotency = {{1, 2}, static_cast<std::uint64_t>(i + 1)}};
        ok &= initiator.send_request(options, {.head = body_}, {}).has_value();
      }
      carry();
    }
    return ok && initiator_events.ok() && acceptor_events.ok();
  }

  std::size_t piece_max = 1000;
  EchoEvents initiator_events;
  EchoEvents acceptor_events;
  Session initiator;
  Session acceptor;

 private:
  char payload_[100] = {};
  Bytes body_;
  SendBatch batch_;
};

void expect_no_allocations(const SessionConfig& initiator, const SessionConfig& acceptor) {
  EchoPair pair(initiator, acceptor);
  ASSERT_TRUE(pair.round_trips(5000, 50)) << "warm-up";
  const std::uint64_t responses_before = pair.initiator_events.responses;
  const std::uint64_t before = allocations;
  const bool ok = pair.round_trips(10'000, 50);
  const std::uint64_t made = allocations - before;
  EXPECT_TRUE(ok);
  EXPECT_EQ(pair.initiator_events.responses - responses_before, 10'000u);
  EXPECT_EQ(made, 0u);
}

TEST(Allocations, NoneInPlainRoundTrips) {
  expect_no_allocations(testing::example_config(SessionRole::initiator),
                        testing::example_config(SessionRole::acceptor));
}

TEST(Allocations, NoneInEncryptedAndCompressedRoundTrips) {
  ASSERT_TRUE(openssl_is_counted);
  auto initiator = testing::example_config(SessionRole::initiator);
  auto acceptor = testing::example_config(SessionRole::acceptor);
  initiator.encryption = acceptor.encryption = EncryptionMode::required;
  initiator.compress_threshold_bytes = acceptor.compress_threshold_bytes = 64;
  expect_no_allocations(initiator, acceptor);
}

TEST(Allocations, TheCounterCounts) {
  const std::uint64_t before = allocations;
  int* volatile block =
      new int(1);  // volatile: a compiler may leave out a pair that it sees through
  delete block;
  EXPECT_EQ(allocations, before + 1);
}

}  // namespace
}  // namespace grey::protocol
