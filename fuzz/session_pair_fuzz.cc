// Two sessions joined by wires that the fuzzer owns: it chooses the configuration, what is sent,
// how it is cut, when time passes, and whether a bit flips, bytes are lost or a side gives up.
// Checked: what is delivered is what was sent, once; every request is answered once; credit and
// admitted memory are conserved; nothing happens after a failure; failures have names and, without
// a fault, do not happen.
#include <algorithm>
#include <map>
#include <vector>

#include "base/check.h"
#include "fuzz/byte_source.h"
#include "protocol/msgpack_reader.h"
#include "protocol/msgpack_writer.h"
#include "protocol/testing/session_pair.h"

namespace {

using namespace grey;
using namespace grey::protocol;
using testing::Side;

// A message's bytes follow from its number and size alone, so both ends can compute them. They are
// copied from one pattern: making them byte by byte was most of what the target did.
SharedBytes value_of(std::uint32_t number, std::size_t size) {
  constexpr std::size_t size_max = 60'000, offsets = 251;
  static const Bytes pattern = [] {
    Bytes bytes(size_max + offsets, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 + i / 7);
    return bytes;
  }();
  return SharedBytes::copy_of(ByteView(pattern).substr(number % offsets, size));
}
Bytes head_of(std::uint32_t number, std::size_t size) {
  Bytes head;
  msgpack::Writer(head).array(2).uint(number).bin_header(size);
  return head;
}

struct End {
  explicit End(SessionConfig config) : side(std::move(config)) {}
  Side side;
  Bytes wire;                                    // on its way to the other end
  std::map<std::uint32_t, std::size_t> sent;     // number to size of messages that may arrive
  std::map<std::uint32_t, std::size_t> replied;  // the same for replies
  std::map<std::uint64_t, std::uint32_t> asked;  // our requests: id to number
  std::vector<std::uint64_t> ids;                // of our requests, for cancelling
  std::vector<testing::ReceivedRequest> unanswered;
  std::vector<CreditToken> held;
};

class World {
 public:
  explicit World(fuzz::ByteSource& in)
      : in_(in),
        choices_(in.byte()),
        first_(config_of(SessionRole::initiator, choices_, in)),
        second_(config_of(SessionRole::acceptor, choices_, in)) {
    for (End* end : {&first_, &second_}) {
      if ((choices_ & 8) != 0) end->side.events.admit_max = in.below(20'000);
      end->side.session.start(at_);
    }
  }

  void run() {
    for (int step = 0; step < 300 && !in_.empty(); ++step) {
      act();
      check();
    }
    if (!faulty_) finish();
  }

 private:
  static SessionConfig config_of(SessionRole role, std::uint8_t choices, fuzz::ByteSource& in) {
    SessionConfig config = testing::example_config(role);
    config.encryption = (choices & 1) != 0 ? EncryptionMode::required : EncryptionMode::offered;
    if ((choices & 2) != 0) config.encryption = EncryptionMode::off;
    config.compress_threshold_bytes = (choices & 4) != 0 ? 100 : 0;
    LaneLimits& lane = config.lanes[1];
    lane.payload_bytes_max = 4096 + in.below(3000);
    lane.credit_bytes = 4096 + in.below(20'000);
    lane.credit_messages = 1 + in.below(8);
    lane.chunk_threshold_bytes = 1024 + in.below(4000);
    lane.chunk_bytes = 100 + in.below(2000);
    lane.message_bytes_max = 100'000;
    config.queue_messages_max = 1 + in.below(8);
    config.streams_max = 1 + in.below(4);
    config.requests_outstanding_max = 1 + in.below(16);
    return config;
  }

  std::size_t random_size() {
    const std::uint8_t scale = in_.byte();
    return scale < 160 ? scale : scale < 240 ? in_.below(4000) : in_.below(60'000);
  }

  End& other(End& end) { return &end == &first_ ? second_ : first_; }

  void act() {
    const std::uint8_t what = in_.byte();
    End& self = (what & 1) == 0 ? first_ : second_;
    End& peer = other(self);
    switch ((what >> 1) % 16) {
      case 0:
      case 1:
        return send_request(self);
      case 2:
        return send_oneway(self);
      case 3:
        return answer(self);
      case 4:
        return cancel(self);
      case 5:
        return (void)self.side.session.ping(7, at_);
      case 6:
        return release(self);
      case 7:
      case 8:
      case 9:
        return take(self);
      case 10:
      case 11:
      case 12:
        return carry(self, peer, 1 + in_.below(9000));
      case 13:
        return pass_time();
      case 14:
        return fault(self);
      default:
        return in_.byte() < 16 ? give_up(self) : take(self);
    }
  }

  void send_request(End& self) {
    const std::uint32_t number = ++last_number_;
    const std::size_t size = random_size();
    const Bytes head = head_of(number, size);
    const std::uint8_t choices = in_.byte();
    RequestOptions options{.method = number, .reply_bytes_max = 70'000, .tenant = "tenant"};
    options.priority = (choices & 1) != 0;
    if ((choices & 2) != 0) options.trace = {1, 2, 3, 4, {}};
    if ((choices & 4) != 0) options.idempotency = {{1, 2}, number};
    if ((choices & 8) != 0) options.deadline = at_.now + std::chrono::seconds(1);
    options.context = number;
    const auto id = self.side.session.send_request(options, {head, value_of(number, size)}, at_);
    if (!id) return;
    self.sent[number] = size;
    self.asked[*id] = number;
    self.ids.push_back(*id);
  }

  void send_oneway(End& self) {
    const std::uint32_t number = ++last_number_;
    const std::size_t size = random_size();
    const Bytes head = head_of(number, size);
    const OnewayOptions options{.method = number, .tenant = "tenant", .priority = in_.flag()};
    if (self.side.session.send_oneway(options, {head, value_of(number, size)}, at_)) {
      self.sent[number] = size;
    }
  }

  void answer(End& self) {
    if (self.unanswered.empty()) return;
    const auto request = self.unanswered[in_.below(256) % self.unanswered.size()];
    answer_one(self, request.request_id, random_size());
  }

  void answer_one(End& self, std::uint64_t request_id, std::size_t size) {
    const auto found = std::ranges::find_if(
        self.unanswered, [&](const auto& request) { return request.request_id == request_id; });
    const testing::ReceivedRequest request = *found;
    self.unanswered.erase(found);
    const Bytes head = head_of(request.method, size);
    const Status sent = self.side.session.send_response(
        request.reply_to, {.detail = "fine"}, {head, value_of(request.method, size)}, at_);
    if (sent) self.replied[request.method] = size;
  }

  void cancel(End& self) {
    if (self.ids.empty()) return;
    const std::uint64_t id = self.ids[in_.below(256) % self.ids.size()];
    const auto result = self.side.session.send_cancel(id, ErrorCode::cancelled, at_);
    if (result != CancelResult::unsent) return;
    self.sent.erase(self.asked.at(id));  // must never arrive
    self.asked.erase(id);
  }

  void release(End& self) {
    if (self.held.empty()) return;
    const std::size_t i = in_.below(256) % self.held.size();
    self.side.session.release(self.held[i], at_);
    self.held.erase(self.held.begin() + static_cast<std::ptrdiff_t>(i));
  }

  void take(End& self) {
    SendBatch batch;
    if (self.side.session.has_output()) self.side.session.take_output(batch, at_);
    self.wire += batch.flatten();
  }

  void carry(End& self, End& peer, std::size_t size) {
    const Bytes bytes = self.wire.substr(0, size);
    self.wire.erase(0, bytes.size());
    peer.side.session.receive(bytes, at_);
    collect(peer, self);
  }

  // Moves what was delivered to `self` into the books, and compares it with what `peer` sent.
  void collect(End& self, End& peer) {
    auto& events = self.side.events;
    for (auto& request : events.requests) {
      expect_sent(peer, request.method, request.body);
      self.held.push_back(request.token);
      self.unanswered.push_back(std::move(request));
    }
    for (auto& oneway : events.oneways) {
      expect_sent(peer, oneway.method, oneway.body);
      self.held.push_back(oneway.token);
    }
    for (auto& response : events.responses) {
      const auto asked = self.asked.find(response.request_id);
      GREY_CHECK(asked != self.asked.end() && asked->second == response.context);
      if (response.code == ErrorCode::ok) {
        const auto reply = peer.replied.find(asked->second);
        GREY_CHECK(reply != peer.replied.end());
        GREY_CHECK(response.body == head_of(asked->second, reply->second) +
                                        Bytes(value_of(asked->second, reply->second).view()));
      }
      self.asked.erase(asked);  // a second response would not be found
    }
    events.requests.clear();
    events.oneways.clear();
    events.responses.clear();
  }

  static void expect_sent(End& peer, std::uint32_t number, const Bytes& body) {
    const auto sent = peer.sent.find(number);
    GREY_CHECK(sent != peer.sent.end());
    GREY_CHECK(body ==
               head_of(number, sent->second) + Bytes(value_of(number, sent->second).view()));
    peer.sent.erase(sent);  // once
  }

  void pass_time() {
    const Duration step = std::chrono::milliseconds(in_.below(2000));
    at_.now += step;
    for (End* end : {&first_, &second_}) {
      // Between these steps all bytes stand still, so deadlines can be missed without a fault.
      if (end->side.session.next_deadline() <= at_.now) faulty_ = true;
      end->side.session.tick(at_);
    }
  }

  void fault(End& self) {
    if (self.wire.empty() || flipped_) return;
    faulty_ = true;
    const std::size_t where = in_.below(65'535) % self.wire.size();
    const std::uint8_t how = in_.byte();
    if (how < 200) {
      // One flip in a run: a checksum finds any single one, but not any combination.
      flipped_ = true;
      self.wire[where] = static_cast<char>(self.wire[where] ^ (1 << (how % 8)));
    } else {
      self.wire.resize(where);
      End& peer = other(self);
      carry(self, peer, self.wire.size());
      peer.side.session.receive_end(at_);
      flipped_ = true;
    }
  }

  void give_up(End& self) {
    if (in_.flag()) return self.side.session.goaway(ErrorCode::shutting_down, "bye", at_);
    faulty_ = true;
    self.side.session.abort({ErrorCode::closed_locally, "enough"}, at_);
  }

  void check() {
    for (const End* end : {&first_, &second_}) {
      const auto& events = end->side.events;
      GREY_CHECK(events.failed_count <= 1 && events.established_count <= 1);
      if (events.failed_count == 1) {
        GREY_CHECK(events.failure.code != ErrorCode::ok);
        GREY_CHECK(error_name(events.failure.code) != "unrecognised");
        GREY_CHECK(faulty_);
        GREY_CHECK(end->side.session.next_deadline() == never);
      }
      const SessionStats stats = end->side.session.stats();
      GREY_CHECK(stats.admitted_bytes == events.admitted);
      GREY_CHECK(stats.credit_bytes_held <= 4096 + 20'000 && stats.credit_messages_held <= 9);
    }
  }

  // Without a fault everything that was sent arrives and every request is answered.
  void finish() {
    for (int round = 0; round < 3000; ++round) {
      for (End* end : {&first_, &second_}) {
        take(*end);
        carry(*end, other(*end), end->wire.size());
        while (!end->unanswered.empty()) {
          answer_one(*end, end->unanswered.back().request_id, 10);
        }
        while (!end->held.empty()) release(*end);
      }
      check();
      if (is_done(first_) && is_done(second_)) break;
    }
    for (const End* end : {&first_, &second_}) {
      GREY_CHECK(end->side.session.is_established());
      GREY_CHECK(end->side.session.drained());
      GREY_CHECK(end->asked.empty());
      const SessionStats stats = end->side.session.stats();
      GREY_CHECK(stats.credit_bytes_held == 0 && stats.credit_messages_held == 0);
      GREY_CHECK(stats.admitted_bytes == 0 && stats.reply_bytes_reserved == 0);
    }
  }

  static bool is_done(const End& end) {
    return end.side.session.drained() && end.wire.empty() && end.held.empty() &&
           end.unanswered.empty();
  }

  fuzz::ByteSource& in_;
  std::uint8_t choices_;
  End first_;
  End second_;
  Instant at_{MonotonicTime(std::chrono::hours(1)), 1'700'000'000'000'000'000};
  std::uint32_t last_number_ = 0;
  bool faulty_ = false;
  bool flipped_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  grey::fuzz::ByteSource in(data, std::min<std::size_t>(size, 4096));
  World(in).run();
  return 0;
}
