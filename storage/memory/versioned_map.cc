#include "storage/memory/versioned_map.h"

#include "base/check.h"

namespace grey::storage {

std::size_t VersionedMap::charge(const Map::value_type& entry) {
  const auto& versions = entry.second;
  if (versions.empty() || !versions.back().value) return 0;
  return entry.first.size() + versions.back().value->size();
}

void VersionedMap::apply(WriteBatch batch, Sequence sequence) {
  GREY_CHECK(sequence > floor_ && (journal_.empty() || sequence > journal_.back().sequence));
  for (auto& change : batch.changes()) {
    const auto where = map_.try_emplace(std::move(change.key)).first;
    auto& versions = where->second;
    size_bytes_ -= charge(*where);
    if (!versions.empty() && versions.back().sequence == sequence) {
      versions.back().value = std::move(change.value);
    } else {
      versions.push_back({sequence, std::move(change.value)});
      journal_.push_back({sequence, where});
    }
    size_bytes_ += charge(*where);
  }
}

void VersionedMap::rollback(Sequence sequence) {
  GREY_CHECK(sequence >= floor_);
  while (!journal_.empty() && journal_.back().sequence > sequence) {
    const auto where = journal_.back().where;
    journal_.pop_back();
    size_bytes_ -= charge(*where);
    where->second.pop_back();
    size_bytes_ += charge(*where);
    if (where->second.empty()) map_.erase(where);
  }
}

void VersionedMap::raise_floor(Sequence floor) {
  GREY_CHECK(floor >= floor_);
  floor_ = floor;
  while (!journal_.empty() && journal_.front().sequence <= floor) {
    const auto [sequence, where] = journal_.front();
    journal_.pop_front();
    auto& versions = where->second;
    // Versions below this one can no longer be asked for. (They lie in front of it: a key's
    // journal entries are handled in order.)
    std::size_t shadowed = 0;
    while (versions[shadowed].sequence < sequence) ++shadowed;
    versions.erase(versions.begin(), versions.begin() + static_cast<std::ptrdiff_t>(shadowed));
    if (versions.size() == 1 && !versions.front().value) map_.erase(where);
  }
}

const Bytes* VersionedMap::visible(const Versions& versions, Sequence at) {
  for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
    if (version->sequence <= at) return version->value ? &*version->value : nullptr;
  }
  return nullptr;
}

const Bytes* VersionedMap::find(ByteView key, Sequence at) const {
  const auto where = map_.find(key);
  return where == map_.end() ? nullptr : visible(where->second, at);
}

ScanPage VersionedMap::scan(ByteView first, ByteView last, std::size_t entries_max,
                            std::size_t bytes_max, Sequence at) const {
  ScanPage page;
  std::size_t bytes = 0;
  for (auto where = map_.lower_bound(first); where != map_.end(); ++where) {
    const auto& [key, versions] = *where;
    if (!last.empty() && key >= last) break;
    const Bytes* value = visible(versions, at);
    if (value == nullptr) continue;
    const bool full =
        page.entries.size() >= entries_max || bytes + key.size() + value->size() > bytes_max;
    if (full && !page.entries.empty()) {
      page.more = true;
      break;
    }
    bytes += key.size() + value->size();
    page.entries.push_back({key, *value});
  }
  return page;
}

Bytes* VersionedMap::find_newest_to_damage(ByteView key) {
  const auto where = map_.find(key);
  if (where == map_.end() || !where->second.back().value) return nullptr;
  return &*where->second.back().value;
}

}  // namespace grey::storage
