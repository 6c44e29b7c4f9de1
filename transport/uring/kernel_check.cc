#include "transport/uring/kernel_check.h"

#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "transport/uring/buffer_ring.h"
#include "transport/uring/ring.h"

namespace grey::transport::uring {
namespace {

constexpr std::string_view probe_text = "grey";

std::string kernel_release() {
  utsname names{};
  return ::uname(&names) == 0 ? std::string("Linux ") + names.release : std::string("this kernel");
}

std::unexpected<Error> unsupported(const std::string& why) {
  return fail(
      ErrorCode::transport_unsupported,
      why + " (" + kernel_release() + "); Linux 6.0 or newer is needed, or use transport: asio");
}

/// Remembers the first completion of each slot.
class Witness final : public Target {
 public:
  struct Seen {
    bool completed = false;
    int result = 0;
    std::uint32_t flags = 0;
  };
  Seen seen[slots];

 private:
  void on_completion(unsigned slot, int result, std::uint32_t flags) override {
    if (!seen[slot].completed) seen[slot] = {true, result, flags};
  }
};

class SocketPair {
 public:
  ~SocketPair() {
    for (const int end : ends_) {
      if (end >= 0) ::close(end);
    }
  }
  bool open() { return ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_) == 0; }
  int operator[](int end) const { return ends_[end]; }

 private:
  int ends_[2] = {-1, -1};
};

Status check_operations(Ring& ring) {
  struct Needed {
    int operation;
    const char* name;
  };
  constexpr Needed needed[] = {
      {IORING_OP_ACCEPT, "accept"}, {IORING_OP_CONNECT, "connect"},
      {IORING_OP_RECV, "recv"},     {IORING_OP_SEND, "send"},
      {IORING_OP_READ, "read"},     {IORING_OP_SENDMSG, "sendmsg"},
      {IORING_OP_NOP, "nop"},       {IORING_OP_ASYNC_CANCEL, "cancel"},
  };
  io_uring_probe* probe = io_uring_get_probe_ring(ring.raw());
  if (probe == nullptr) return unsupported("io_uring cannot be asked for its operations");
  const char* missing = nullptr;
  for (const Needed& each : needed) {
    if (!io_uring_opcode_supported(probe, each.operation)) missing = each.name;
  }
  io_uring_free_probe(probe);
  if (missing != nullptr) return unsupported(std::string("io_uring lacks ") + missing);
  return {};
}

/// Runs the ring until nothing is in flight or `done` says so; at most a second.
template <typename Done>
void run(Ring& ring, Done done) {
  for (int turn = 0; turn < 10 && ring.in_flight() > 0 && !done(); ++turn) {
    ring.submit_and_wait(std::chrono::milliseconds(100));
    ring.reap();
  }
}

Status check_receive(Ring& ring, BufferRing& buffers, Witness& witness) {
  enum { nop, receive, cancel };
  SocketPair sockets;
  if (!sockets.open()) return unsupported(std::string("socketpair: ") + std::strerror(errno));

  io_uring_sqe* entry = ring.next_entry();
  io_uring_prep_nop(entry);
  ring.launch(entry, witness, nop);
  entry = ring.next_entry();
  io_uring_prep_recv_multishot(entry, sockets[0], nullptr, 0, 0);
  entry->flags |= IOSQE_BUFFER_SELECT;
  entry->buf_group = BufferRing::group;
  ring.launch(entry, witness, receive);
  const auto written = ::write(sockets[1], probe_text.data(), probe_text.size());
  // With the call alone, its error can be told.
  if (const int result = io_uring_submit(ring.raw()); result < 0) {
    return std::unexpected(kernel_denies("io_uring_enter", -result));
  }
  const auto& nop_seen = witness.seen[nop];
  const auto& seen = witness.seen[receive];
  run(ring, [&] { return nop_seen.completed && seen.completed; });

  entry = ring.next_entry();
  io_uring_prep_cancel(entry, nullptr, IORING_ASYNC_CANCEL_ANY);
  ring.launch(entry, witness, cancel);
  run(ring, [] { return false; });

  if (!nop_seen.completed || nop_seen.result != 0) return unsupported("io_uring does not answer");
  if (seen.result < 0) {
    return unsupported(std::string("io_uring cannot receive repeatedly: ") +
                       std::strerror(-seen.result));
  }
  const bool right = written == static_cast<ssize_t>(probe_text.size()) && seen.result == written &&
                     (seen.flags & IORING_CQE_F_MORE) && (seen.flags & IORING_CQE_F_BUFFER) &&
                     buffers.view(static_cast<std::uint16_t>(seen.flags >> IORING_CQE_BUFFER_SHIFT),
                                  probe_text.size()) == probe_text;
  if (!right || ring.in_flight() > 0) return unsupported("io_uring receives wrongly");
  return {};
}

}  // namespace

Result<std::string> check_kernel() {
  Witness witness;
  Counters counters;
  auto ring = Ring::create({.submission_entries = 8, .completion_entries = 32}, counters);
  if (!ring) return std::unexpected(ring.error());
  auto buffers = BufferRing::create(**ring, {.count = 4, .buffer_bytes = 64});
  if (!buffers) return std::unexpected(buffers.error());
  if (const Status enabled = (*ring)->enable(); !enabled) return std::unexpected(enabled.error());
  Status checked = check_operations(**ring);
  if (checked) checked = check_receive(**ring, **buffers, witness);
  const bool deferred = (*ring)->deferred_task_run();
  (*ring)->disable();
  // The ring goes first: the kernel may know of the buffers until then.
  ring->reset();
  if (!checked) return std::unexpected(checked.error());
  return kernel_release() + (deferred ? ", deferred task work" : ", cooperative task work");
}

}  // namespace grey::transport::uring
