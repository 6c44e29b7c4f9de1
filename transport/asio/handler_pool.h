// Memory for the operations that Asio keeps while it waits: blocks of one size that are used again
// and again, so that the steady state allocates nothing. The pool outlives its blocks because every
// handler owns the loop that owns the pool. Thread-safe: under a strand, Asio may free an
// operation on another thread than the one that made it.
#pragma once
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

namespace grey::transport::asio {

class HandlerPool {
 public:
  static constexpr std::size_t block_bytes = 256;

  HandlerPool() = default;
  HandlerPool(const HandlerPool&) = delete;
  HandlerPool& operator=(const HandlerPool&) = delete;
  ~HandlerPool() {
    for (void* block : free_) ::operator delete(block);
  }

  void* allocate(std::size_t bytes) {
    if (bytes > block_bytes) return ::operator new(bytes);
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        void* block = free_.back();
        free_.pop_back();
        return block;
      }
    }
    return ::operator new(block_bytes);
  }

  void deallocate(void* block, std::size_t bytes) {
    if (bytes <= block_bytes) {
      const std::lock_guard lock(mutex_);
      if (free_.size() < kept_max) return free_.push_back(block);
    }
    ::operator delete(block);
  }

 private:
  static constexpr std::size_t kept_max = 16'384;  // 4 MiB

  std::mutex mutex_;
  std::vector<void*> free_;
};

/// The allocator to associate with a handler.
template <typename T>
class PoolAllocator {
 public:
  using value_type = T;

  explicit PoolAllocator(HandlerPool& pool) noexcept : pool_(&pool) {}
  template <typename U>
  PoolAllocator(const PoolAllocator<U>& other) noexcept : pool_(other.pool_) {}  // NOLINT: converts

  T* allocate(std::size_t count) { return static_cast<T*>(pool_->allocate(count * sizeof(T))); }
  void deallocate(T* block, std::size_t count) { pool_->deallocate(block, count * sizeof(T)); }

  template <typename U>
  bool operator==(const PoolAllocator<U>& other) const noexcept {
    return pool_ == other.pool_;
  }

 private:
  template <typename U>
  friend class PoolAllocator;
  HandlerPool* pool_;
};

}  // namespace grey::transport::asio
