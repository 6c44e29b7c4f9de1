// What a ring has done so far. Written by the loop's thread only.
#pragma once
#include <cstdint>

namespace grey::transport::uring {

struct Counters {
  std::uint64_t syscalls = 0;     // io_uring_enter calls
  std::uint64_t completions = 0;  // completion queue entries
  std::uint64_t receives = 0;     // received pieces, each from one ring buffer
  std::uint64_t bytes_received = 0;
  std::uint64_t sends = 0;  // send operations that moved bytes; a batch needs one or more
  std::uint64_t bytes_sent = 0;
  std::uint64_t sends_short = 0;        // sends that left a remainder to submit again
  std::uint64_t buffers_exhausted = 0;  // receives that ended because the ring had no free buffer
  std::uint64_t submission_full = 0;    // submissions made early because the queue was full
  std::uint64_t accepts = 0;
  std::uint64_t accept_pauses = 0;  // times accepting rested because of EMFILE and its like
  std::uint64_t wakeups = 0;        // eventfd writes that ended a sleep
};

}  // namespace grey::transport::uring
