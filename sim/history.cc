#include "sim/history.h"

#include "base/bytes.h"
#include "base/hash.h"

namespace grey::sim {

std::uint64_t hash_of(const History& history, std::uint64_t world_hash) {
  Bytes words;
  const auto add = [&words](std::uint64_t word) {
    words.append(reinterpret_cast<const char*>(&word), sizeof word);
  };
  add(world_hash);
  for (const HistoryEvent& e : history) {
    add(e.client);
    add(e.key);
    add(static_cast<std::uint64_t>(e.kind) << 8 | static_cast<std::uint64_t>(e.outcome));
    add(e.written);
    add(e.expected);
    add(e.seen);
    add(static_cast<std::uint64_t>(e.invoked.time_since_epoch().count()));
    add(static_cast<std::uint64_t>(e.returned.time_since_epoch().count()));
  }
  return xxh3_64(words);
}

}  // namespace grey::sim
