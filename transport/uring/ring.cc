#include "transport/uring/ring.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/check.h"

namespace grey::transport::uring {
namespace {

constexpr unsigned common_flags = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE |
                                  IORING_SETUP_SUBMIT_ALL | IORING_SETUP_R_DISABLED |
                                  IORING_SETUP_SINGLE_ISSUER;
// Best first; a kernel that does not know a flag answers EINVAL.
constexpr std::array flag_sets{
    common_flags | IORING_SETUP_DEFER_TASKRUN,                            // Linux 6.1
    common_flags | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG  // Linux 6.0
};

std::string disabled_by_sysctl() {
  std::ifstream file("/proc/sys/kernel/io_uring_disabled");
  char value = '0';
  file >> value;
  if (value == '0') return {};
  return std::string("sysctl kernel.io_uring_disabled is ") + value + ": set it to 0";
}

}  // namespace

Error kernel_denies(const std::string& system_call, int error_number) {
  std::string why = system_call + ": " + std::strerror(error_number);
  switch (error_number) {
    case EPERM:
    case EACCES:
      if (const std::string sysctl = disabled_by_sysctl(); !sysctl.empty()) {
        why += "; " + sysctl;
      } else {
        why +=
            "; probably a seccomp filter denies it (containers often have one): allow "
            "io_uring_setup, io_uring_enter and io_uring_register in its profile";
      }
      break;
    case ENOSYS:
      why += "; the kernel was built without io_uring, or a seccomp filter hides it";
      break;
    case EINVAL:
      why += "; Linux 6.0 or newer is needed";
      break;
    case ENOMEM:
      why += "; raise the memory limit (or RLIMIT_MEMLOCK)";
      break;
    default:
      break;
  }
  return Error{ErrorCode::transport_unsupported, why + "; or use transport: asio"};
}

Result<std::unique_ptr<Ring>> Ring::create(const Options& options, Counters& counters) {
  std::unique_ptr<Ring> ring(new Ring(counters));
  int result = -EINVAL;
  for (const unsigned flags : flag_sets) {
    if ((flags & IORING_SETUP_DEFER_TASKRUN) && !options.deferred_task_run) continue;
    io_uring_params params{};
    params.flags = flags;
    params.cq_entries = options.completion_entries;
    result = io_uring_queue_init_params(options.submission_entries, &ring->ring_, &params);
    if (result != -EINVAL) break;
  }
  if (result < 0) {
    ring->ring_.ring_fd = -1;
    return std::unexpected(kernel_denies("io_uring_setup", -result));
  }
  constexpr unsigned needed = IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG | IORING_FEAT_FAST_POLL;
  if ((ring->ring_.features & needed) != needed)
    return std::unexpected(kernel_denies("io_uring_setup", EINVAL));
  return ring;
}

Ring::~Ring() {
  if (ring_.ring_fd >= 0) io_uring_queue_exit(&ring_);
}

Status Ring::enable() {
  // liburing 2.3 declares io_uring_enable_rings() but does not export it.
  const int result = io_uring_register(static_cast<unsigned>(ring_.ring_fd),
                                       IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  if (result < 0) {
    return std::unexpected(kernel_denies("io_uring_register", -result));
  }
  // A registered ring descriptor saves its look-up in every io_uring_enter. It belongs to the
  // thread; failing to get one costs only speed.
  io_uring_register_ring_fd(&ring_);
  return {};
}

void Ring::disable() { io_uring_unregister_ring_fd(&ring_); }

io_uring_sqe* Ring::next_entry() {
  io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  // A full queue is emptied into the kernel; that fails only for want of memory, and passes.
  for (int attempt = 0; entry == nullptr; ++attempt) {
    GREY_CHECK(attempt < 1000);
    ++counters_.submission_full;
    ++counters_.syscalls;
    io_uring_submit(&ring_);
    entry = io_uring_get_sqe(&ring_);
  }
  return entry;
}

void Ring::launch(io_uring_sqe* entry, Target& target, unsigned slot) {
  entry->user_data = target.user_data(slot);
  ++in_flight_;
}

// The results of the two calls below are of no interest: ETIME and EINTR are ordinary ends of a
// sleep, and after EAGAIN or EBUSY the entries stay queued for the next turn.
void Ring::submit_and_wait(Duration limit) {
  ++counters_.syscalls;
  io_uring_cqe* first = nullptr;
  if (limit == Duration::max()) {
    io_uring_submit_and_wait(&ring_, 1);
    return;
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit);
  __kernel_timespec timeout{.tv_sec = seconds.count(), .tv_nsec = (limit - seconds).count()};
  io_uring_submit_and_wait_timeout(&ring_, &first, 1, &timeout, nullptr);
}

void Ring::submit_and_poll() {
  ++counters_.syscalls;
  io_uring_submit_and_get_events(&ring_);
}

void Ring::reap() {
  constexpr unsigned batch_max = 128;
  std::array<io_uring_cqe*, batch_max> batch;
  // What completes while a callback runs waits for the next turn, so that timers get theirs.
  unsigned left = io_uring_cq_ready(&ring_);
  while (left > 0) {
    const unsigned count = io_uring_peek_batch_cqe(&ring_, batch.data(), std::min(left, batch_max));
    for (unsigned i = 0; i < count; ++i) {
      const io_uring_cqe completion = *batch[i];
      if ((completion.flags & IORING_CQE_F_MORE) == 0) --in_flight_;
      Target::from(completion.user_data)
          .on_completion(Target::slot_of(completion.user_data), completion.res, completion.flags);
    }
    io_uring_cq_advance(&ring_, count);
    counters_.completions += count;
    left -= count;
  }
}

}  // namespace grey::transport::uring
