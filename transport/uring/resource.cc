#include "transport/uring/resource.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace grey::transport::uring {

OwnerLink::OwnerLink(Resource& resource) : resource_(&resource) { resource.owner_ = this; }

OwnerLink::~OwnerLink() {
  if (resource_ != nullptr) resource_->release();
}

Resource::Resource(Loop& loop, int descriptor) : loop_(loop), descriptor_(descriptor) {
  loop_.adopt(*this);
}

Resource::~Resource() {
  close_descriptor();
  loop_.forget(*this);
}

int Resource::take_descriptor() { return std::exchange(descriptor_, -1); }

void Resource::launch(io_uring_sqe* entry, unsigned slot) {
  loop_.ring().launch(entry, *this, slot);
  ++in_flight_;
}

void Resource::defer() {
  // Before run() nothing is due: entering the loop services every resource.
  if (deferred_ || !loop_.running()) return;
  deferred_ = true;
  loop_.defer(*this);
}

void Resource::begin_end() {
  ending_ = true;
  defer();
}

void Resource::service() {
  deferred_ = false;
  settle();
}

void Resource::on_completion(unsigned slot, int result, std::uint32_t flags) {
  if ((flags & IORING_CQE_F_MORE) == 0) --in_flight_;
  if (slot == slot_cancel_all) {
    // EALREADY: something was being worked on at that moment and needs to be asked again.
    if (result == -EALREADY) cancelling_ = false;
  } else {
    busy_ = true;
    completed(slot, result, flags);
    busy_ = false;
  }
  settle();
}

void Resource::settle() {
  if (busy_) return;
  busy_ = true;
  if (!ending_ && loop_.running()) advance();
  if (ending_) {
    if (in_flight_ > 0) {
      cancel_all();
    } else {
      close_descriptor();
      if (loop_.running()) ended();
    }
  }
  busy_ = false;
  if (owner_gone_ && in_flight_ == 0 && !deferred_) delete this;
}

void Resource::cancel_all() {
  if (cancelling_) return;
  cancelling_ = true;
  io_uring_sqe* entry = next_entry();
  io_uring_prep_cancel_fd(entry, descriptor_, IORING_ASYNC_CANCEL_ALL);
  launch(entry, slot_cancel_all);
}

void Resource::release() {
  owner_ = nullptr;
  owner_gone_ = true;
  ending_ = true;
  detached();
  settle();
}

void Resource::abandon() {
  if (owner_ != nullptr) owner_->resource_ = nullptr;
  delete this;
}

void Resource::close_descriptor() {
  if (descriptor_ >= 0) ::close(take_descriptor());
}

}  // namespace grey::transport::uring
