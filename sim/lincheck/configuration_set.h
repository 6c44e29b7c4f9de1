// Sets of configurations: rows of 64-bit words of one width, each kept once, in the order added.
// One block of memory and an open-addressing index of row numbers, so that millions fit and
// clearing costs nothing.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <unordered_map>
#include <vector>

#include "base/hash.h"

namespace grey::lincheck {

class ConfigurationSet {
 public:
  explicit ConfigurationSet(std::size_t words) : words_(words), index_(64, 0) {}

  std::size_t size() const noexcept { return size_; }
  std::uint64_t* row(std::size_t i) noexcept { return rows_.data() + i * words_; }
  const std::uint64_t* row(std::size_t i) const noexcept { return rows_.data() + i * words_; }

  /// Adds a row of `words` words, unless it or one that covers it is there. Rows move: pointers
  /// into the set end.
  void add(const std::uint64_t* row) {
    std::vector<std::uint32_t>& rivals = rivals_[row[0]];
    for (const std::uint32_t rival : rivals) {
      if (covers(this->row(rival), row)) return;
    }
    if ((size_ + 1) * 2 > index_.size()) grow();
    std::uint32_t* const place = find(row);
    if (*place != 0) return;
    if (rivals.size() < rivals_max) rivals.push_back(static_cast<std::uint32_t>(size_));
    rows_.resize((size_ + 1) * words_);
    std::memcpy(rows_.data() + size_ * words_, row, words_ * sizeof *row);
    *place = static_cast<std::uint32_t>(++size_);
  }

  void clear() {
    std::fill(index_.begin(), index_.end(), 0);
    rows_.clear();
    rivals_.clear();
    size_ = 0;
  }

 private:
  static constexpr std::size_t rivals_max = 64;

  bool covers(const std::uint64_t* large, const std::uint64_t* small) const {
    for (std::size_t w = 1; w < words_; ++w) {
      if ((small[w] & ~large[w]) != 0) return false;
    }
    return true;
  }

  /// The index entry of `row`: its number + 1, or 0 where it would go.
  std::uint32_t* find(const std::uint64_t* row) {
    const std::size_t bytes = words_ * sizeof *row;
    std::size_t at = xxh3_64({reinterpret_cast<const char*>(row), bytes}) & (index_.size() - 1);
    while (index_[at] != 0 && std::memcmp(this->row(index_[at] - 1), row, bytes) != 0) {
      at = (at + 1) & (index_.size() - 1);
    }
    return &index_[at];
  }

  void grow() {
    index_.assign(index_.size() * 2, 0);
    for (std::size_t i = 0; i < size_; ++i) *find(row(i)) = static_cast<std::uint32_t>(i + 1);
  }

  std::size_t words_;
  std::size_t size_ = 0;
  std::vector<std::uint64_t> rows_;
  std::vector<std::uint32_t> index_;  // size is a power of two, at most half full
  // By state: the first rows added, which later ones are compared with.
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> rivals_;
};

}  // namespace grey::lincheck
