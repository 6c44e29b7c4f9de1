#include "cluster/register/home.h"

namespace grey::cluster {

const Record* HomeKeys::last_write(ByteView key, const Ballot& promise) const {
  const auto found = write_of_.find(key);
  if (found == write_of_.end() || found->second->promise != promise) return nullptr;
  return &found->second->record;
}

void HomeKeys::remember(ByteView key, const Ballot& promise, const Record& chosen) {
  if (const auto found = marks_.find(Bytes(key)); found != marks_.end()) {
    // A later write of this promise is chosen: earlier attempts under it are dead.
    found->second.no_fast_cas = false;
    if (!found->second.raised) marks_.erase(found);
  }
  forget(key);
  writes_.push_front({Bytes(key), promise, chosen});
  write_of_.emplace(ByteView(writes_.front().key), writes_.begin());
  bytes_ += key.size() + chosen.value.size();
  evict();
}

void HomeKeys::forget(ByteView key) {
  const auto found = write_of_.find(key);
  if (found == write_of_.end()) return;
  const auto write = found->second;
  bytes_ -= write->key.size() + write->record.value.size();
  write_of_.erase(found);
  writes_.erase(write);
}

void HomeKeys::evict() {
  while (!writes_.empty() && (writes_.size() > writes_max_ || bytes_ > bytes_max_)) {
    const Bytes key = writes_.back().key;
    forget(key);
  }
}

HomeKeys::Mark& HomeKeys::mark(ByteView key, const Ballot& promise) {
  Mark& m = marks_[Bytes(key)];
  if (m.promise != promise) m = Mark{promise, false, false};
  return m;
}

const HomeKeys::Mark* HomeKeys::find_mark(ByteView key, const Ballot& promise) const {
  if (marks_.empty()) return nullptr;
  const auto found = marks_.find(Bytes(key));
  return found != marks_.end() && found->second.promise == promise ? &found->second : nullptr;
}

void HomeKeys::ban_fast_cas(ByteView key, const Ballot& promise) {
  mark(key, promise).no_fast_cas = true;
}

bool HomeKeys::fast_cas_banned(ByteView key, const Ballot& promise) const {
  const Mark* m = find_mark(key, promise);
  return m != nullptr && m->no_fast_cas;
}

void HomeKeys::mark_raised(ByteView key, const Ballot& promise) {
  mark(key, promise).raised = true;
}

bool HomeKeys::raised(ByteView key, const Ballot& promise) const {
  const Mark* m = find_mark(key, promise);
  return m != nullptr && m->raised;
}

}  // namespace grey::cluster
