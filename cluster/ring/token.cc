#include "cluster/ring/token.h"

#include <array>
#include <cstring>

#include "base/endian.h"
#include "base/hash.h"

namespace grey::cluster {

ByteView partition_key(ByteView key) noexcept {
  const std::size_t open = key.find('{');
  if (open == ByteView::npos) return key;
  const std::size_t close = key.find('}', open + 1);
  if (close == ByteView::npos || close == open + 1) return key;
  return key.substr(open + 1, close - open - 1);
}

Token token_of(ByteView tenant, ByteView key) {
  const ByteView part = partition_key(key);
  const auto tenant_size = static_cast<std::uint32_t>(tenant.size());
  const std::size_t size = sizeof tenant_size + tenant.size() + part.size();

  const auto hash_in = [&](char* out) {
    store_be(out, tenant_size);
    out += sizeof tenant_size;
    if (!tenant.empty()) std::memcpy(out, tenant.data(), tenant.size());
    if (!part.empty()) std::memcpy(out + tenant.size(), part.data(), part.size());
    return xxh3_64({out - sizeof tenant_size, size});
  };
  // Tenant (64 B) and key (4 KiB) at their default limits fit on the stack.
  std::array<char, 4096 + 64 + sizeof tenant_size> on_stack;
  if (size <= on_stack.size()) return hash_in(on_stack.data());
  Bytes on_heap(size, '\0');
  return hash_in(on_heap.data());
}

}  // namespace grey::cluster
