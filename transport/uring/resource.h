// A socket with operations in the ring, and the rule by which it ends: cancel everything, reap
// every completion, close the descriptor, tell the owner, and only then give up the memory that the
// kernel was told of. The public objects (streams, listeners, connection attempts) are thin links
// to a resource; dropping one detaches the owner and lets the resource end in the background.
#pragma once
#include <cstdint>

#include "transport/uring/loop.h"

namespace grey::transport::uring {

class Resource;

/// The owner's end of a resource. Releases it when destroyed; empty once the loop is gone.
class OwnerLink {
 public:
  explicit OwnerLink(Resource& resource);
  ~OwnerLink();
  OwnerLink(const OwnerLink&) = delete;
  OwnerLink& operator=(const OwnerLink&) = delete;

 protected:
  Resource* resource() const noexcept { return resource_; }

 private:
  friend class Resource;
  Resource* resource_;
};

class Resource : public Target {
 public:
  /// Does what is due and brings the operations in the ring in line with the state.
  void service();
  /// The loop is being destroyed: closes the descriptor and dies.
  void abandon();

 protected:
  Resource(Loop& loop, int descriptor);
  virtual ~Resource();

  /// A completion of one of the subclass's operations (slots below slot_cancel_all).
  virtual void completed(unsigned slot, int result, std::uint32_t flags) = 0;
  /// While open and the loop runs, after every completion and service: deliver, launch.
  virtual void advance() = 0;
  /// Everything has been reaped and the descriptor is closed; may be called repeatedly. The owner
  /// may be told now.
  virtual void ended() {}
  /// The owner's link is gone; no call to the owner any more.
  virtual void detached() = 0;

  Loop& loop() noexcept { return loop_; }
  int descriptor() const noexcept { return descriptor_; }
  int take_descriptor();
  io_uring_sqe* next_entry() { return loop_.ring().next_entry(); }
  void launch(io_uring_sqe* entry, unsigned slot);
  /// Has service() called soon, outside any call of the owner's.
  void defer();
  /// Starts the end. Repeated calls do nothing.
  void begin_end();
  bool ending() const noexcept { return ending_; }

 private:
  friend class OwnerLink;
  friend class Loop;
  static constexpr unsigned slot_cancel_all = slots - 1;

  void on_completion(unsigned slot, int result, std::uint32_t flags) final;
  void release();
  /// Call when no callback of the owner's is on the stack; may delete this.
  void settle();
  void cancel_all();
  void close_descriptor();

  Loop& loop_;
  Resource* previous_ = nullptr;  // the loop's list of resources
  Resource* next_ = nullptr;
  OwnerLink* owner_ = nullptr;
  int descriptor_;
  unsigned in_flight_ = 0;
  bool deferred_ = false;
  bool busy_ = false;  // on the stack: must not be deleted
  bool ending_ = false;
  bool cancelling_ = false;
  bool owner_gone_ = false;
};

}  // namespace grey::transport::uring
