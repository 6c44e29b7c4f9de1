// The suite on io_uring: as it is meant to run, as on Linux 6.0, and squeezed so that every queue
// and the ring of receive buffers overflow all the time.
#include "base/check.h"
#include "tests/transport/scene.h"
#include "tests/transport/thread_lab.h"
#include "transport/uring/transport.h"

namespace grey::transport {
namespace {

std::unique_ptr<RunnableTransport> make_transport(const uring::Options& options) {
  auto made = uring::UringTransport::create(options);
  GREY_CHECK(made.has_value());
  return std::move(*made);
}
std::unique_ptr<RunnableTransport> make_cooperative() {
  return make_transport({.ring = {.deferred_task_run = false}, .buffers = {}});
}
std::unique_ptr<RunnableTransport> make_usual() { return make_transport({}); }
std::unique_ptr<RunnableTransport> make_squeezed() {
  return make_transport({.ring = {.submission_entries = 2, .completion_entries = 4},
                         .buffers = {.count = 2, .buffer_bytes = 512}});
}

std::unique_ptr<Lab> usual_lab() { return std::make_unique<ThreadLab>(make_usual); }
std::unique_ptr<Lab> cooperative_lab() { return std::make_unique<ThreadLab>(make_cooperative); }
std::unique_ptr<Lab> squeezed_lab() { return std::make_unique<ThreadLab>(make_squeezed); }

const auto labs =
    testing::Values(LabKind{"usual", usual_lab}, LabKind{"cooperative", cooperative_lab},
                    LabKind{"squeezed", squeezed_lab});

INSTANTIATE_TEST_SUITE_P(uring, Conformance, labs, lab_name);
INSTANTIATE_TEST_SUITE_P(uring, SocketConformance, labs, lab_name);

}  // namespace
}  // namespace grey::transport
