// Byte strings. Keys, values and wire data are arbitrary bytes; they travel as std::string and
// std::string_view (the types that hashing, maps, MessagePack and RocksDB all take without a copy).
#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace grey {

using Bytes = std::string;
using ByteView = std::string_view;

/// Makes `bytes` `size` long without clearing what is added; returns its begin. (libstdc++ 12 hands
/// resize_and_overwrite's operation the grown capacity, so the size is captured.)
inline char* resize_for_overwrite(Bytes& bytes, std::size_t size) {
  bytes.resize_and_overwrite(size, [size](char*, std::size_t) { return size; });
  return bytes.data();
}

/// An immutable byte string that several owners (record cache, send queue, storage thread) share.
/// Empty pointer and empty string are both "empty". Thread-safe as std::shared_ptr is.
class SharedBytes {
 public:
  SharedBytes() = default;
  explicit SharedBytes(Bytes bytes) : bytes_(std::make_shared<const Bytes>(std::move(bytes))) {}
  static SharedBytes copy_of(ByteView view) { return SharedBytes(Bytes(view)); }

  ByteView view() const noexcept { return bytes_ ? ByteView(*bytes_) : ByteView(); }
  std::size_t size() const noexcept { return bytes_ ? bytes_->size() : 0; }
  bool empty() const noexcept { return size() == 0; }
  const std::shared_ptr<const Bytes>& owner() const noexcept { return bytes_; }

 private:
  std::shared_ptr<const Bytes> bytes_;
};

}  // namespace grey
