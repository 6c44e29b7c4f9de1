// The same echo with nothing between it and the ring: what this machine can do at best. Multishot
// receives into a ring of buffers, one send per answer, one system call a turn.
#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <deque>
#include <thread>
#include <vector>

#include "base/check.h"
#include "bench/echo.h"

namespace grey::bench {
namespace {

constexpr unsigned buffer_count = 256;
constexpr unsigned buffer_bytes = 16 * 1024;

/// What an end does with received bytes: returns how many bytes to send now.
struct Connection {
  int descriptor = -1;
  bool sending = false;
  Bytes next, in_flight;
  std::size_t received = 0;
  std::deque<MonotonicTime> asked_at;
};

class BareEnd {
 public:
  BareEnd() {
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE |
                   IORING_SETUP_SUBMIT_ALL;
    params.cq_entries = 8192;
    GREY_CHECK(io_uring_queue_init_params(1024, &ring_, &params) == 0);
    io_uring_register_ring_fd(&ring_);
    GREY_CHECK(posix_memalign(reinterpret_cast<void**>(&entries_), 4096,
                              buffer_count * sizeof(io_uring_buf)) == 0);
    std::memset(static_cast<void*>(entries_), 0, buffer_count * sizeof(io_uring_buf));
    data_.resize(std::size_t{buffer_count} * buffer_bytes);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(entries_);
    registration.ring_entries = buffer_count;
    GREY_CHECK(io_uring_register_buf_ring(&ring_, &registration, 0) == 0);
    for (unsigned i = 0; i < buffer_count; ++i) give_back(static_cast<std::uint16_t>(i));
  }
  ~BareEnd() {
    io_uring_queue_exit(&ring_);
    std::free(entries_);
  }

  void adopt(Connection& connection) { arm(connection); }

  void send(Connection& c) {
    if (c.sending || c.next.empty()) return;
    c.in_flight.swap(c.next);
    c.next.clear();
    c.sending = true;
    io_uring_sqe* entry = next_entry();
    io_uring_prep_send(entry, c.descriptor, c.in_flight.data(), c.in_flight.size(),
                       MSG_WAITALL | MSG_NOSIGNAL);
    entry->user_data = reinterpret_cast<std::uintptr_t>(&c) | 1;
  }

  /// One turn; gives received bytes to `on_bytes(connection, bytes)`.
  template <typename F>
  void turn(F on_bytes) {
    ++syscalls;
    __kernel_timespec limit{.tv_sec = 0, .tv_nsec = 50'000'000};
    io_uring_cqe* first = nullptr;
    io_uring_submit_and_wait_timeout(&ring_, &first, 1, &limit, nullptr);
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* completion = nullptr;
    io_uring_for_each_cqe(&ring_, head, completion) {
      ++count;
      auto& c = *reinterpret_cast<Connection*>(completion->user_data & ~std::uint64_t{1});
      if (completion->user_data & 1) {
        GREY_CHECK(completion->res == static_cast<int>(c.in_flight.size()));
        c.sending = false;
        send(c);
        continue;
      }
      if (completion->res > 0) {
        const auto buffer = static_cast<std::uint16_t>(completion->flags >> 16);
        on_bytes(c, std::string_view(data_.data() + std::size_t{buffer} * buffer_bytes,
                                     static_cast<std::size_t>(completion->res)));
        give_back(buffer);
      }
      if (!(completion->flags & IORING_CQE_F_MORE) && completion->res != 0) arm(c);
    }
    io_uring_cq_advance(&ring_, count);
  }

  std::uint64_t syscalls = 0;

 private:
  io_uring_sqe* next_entry() {
    if (io_uring_sqe* entry = io_uring_get_sqe(&ring_)) return entry;
    io_uring_submit(&ring_);
    ++syscalls;
    return io_uring_get_sqe(&ring_);
  }
  void give_back(std::uint16_t buffer) {
    io_uring_buf_ring_add(entries_, data_.data() + std::size_t{buffer} * buffer_bytes, buffer_bytes,
                          buffer, io_uring_buf_ring_mask(buffer_count), 0);
    io_uring_buf_ring_advance(entries_, 1);
  }
  void arm(Connection& c) {
    io_uring_sqe* entry = next_entry();
    io_uring_prep_recv_multishot(entry, c.descriptor, nullptr, 0, 0);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->user_data = reinterpret_cast<std::uintptr_t>(&c);
  }

  io_uring ring_{};
  io_uring_buf_ring* entries_ = nullptr;
  Bytes data_;
};

/// Connected pairs over loopback TCP.
class Pairs {
 public:
  explicit Pairs(std::size_t count) : servers(count), clients(count) {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    GREY_CHECK(::bind(listener, raw, size) == 0 && ::listen(listener, 4096) == 0);
    GREY_CHECK(::getsockname(listener, raw, &size) == 0);
    for (std::size_t i = 0; i < count; ++i) {
      clients[i].descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
      GREY_CHECK(::connect(clients[i].descriptor, raw, size) == 0);
      servers[i].descriptor = ::accept(listener, nullptr, nullptr);
      const int on = 1;
      for (const int end : {clients[i].descriptor, servers[i].descriptor}) {
        GREY_CHECK(end >= 0);
        ::setsockopt(end, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      }
    }
    ::close(listener);
  }
  ~Pairs() {
    for (const auto* side : {&servers, &clients}) {
      for (const Connection& c : *side) ::close(c.descriptor);
    }
  }
  std::vector<Connection> servers, clients;
};

}  // namespace

EchoFigures echo_bare_uring(const EchoShape& shape) {
  Pairs pairs(static_cast<std::size_t>(shape.connections));
  std::atomic<bool> finished{false};
  std::atomic<std::uint64_t> server_syscalls{0};
  std::jthread serving([&] {
    pin_to_processor(0);
    BareEnd end;
    for (Connection& c : pairs.servers) end.adopt(c);
    while (!finished.load(std::memory_order_relaxed)) {
      end.turn([&](Connection& c, std::string_view bytes) {
        c.next += bytes;
        end.send(c);
      });
      server_syscalls.store(end.syscalls, std::memory_order_relaxed);
    }
  });

  EchoMeter meter(shape);
  std::uint64_t client_calls = 0, server_calls = 0;
  std::jthread([&] {
    pin_to_processor(1);
    const SystemClock clock;
    const Bytes message(shape.message_bytes, 'm');
    BareEnd end;
    const auto ask = [&](Connection& c, int times, MonotonicTime now) {
      for (int i = 0; i < times; ++i) {
        c.next += message;
        c.asked_at.push_back(now);
      }
      end.send(c);
    };
    meter.begin(clock.now());
    for (Connection& c : pairs.clients) {
      end.adopt(c);
      ask(c, shape.depth, clock.now());
    }
    std::uint64_t client_from = 0, server_from = 0;
    bool done = false;
    while (!done) {
      end.turn([&](Connection& c, std::string_view bytes) {
        c.received += bytes.size();
        const MonotonicTime now = clock.now();
        int answered = 0;
        for (; c.received >= message.size(); c.received -= message.size()) {
          done = meter.completed(c.asked_at.front(), now) || done;
          c.asked_at.pop_front();
          ++answered;
        }
        ask(c, answered, now);
      });
      if (meter.measuring() && client_from == 0) {
        client_from = end.syscalls;
        server_from = server_syscalls.load(std::memory_order_relaxed);
      }
    }
    client_calls = end.syscalls - client_from;
    server_calls = server_syscalls.load(std::memory_order_relaxed) - server_from;
  }).join();
  finished.store(true);
  serving.join();
  EchoFigures figures = meter.figures();
  const auto requests = static_cast<double>(meter.requests());
  figures.client_syscalls_per_request = static_cast<double>(client_calls) / requests;
  figures.server_syscalls_per_request = static_cast<double>(server_calls) / requests;
  return figures;
}

}  // namespace grey::bench
