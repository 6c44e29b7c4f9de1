// What a coordinator asks of a replica and what the replica answers. Every request carries the
// topology epoch; replicas refuse another one, coordinators discard replies of another one.
#pragma once
#include <cstdint>
#include <variant>

#include "base/error.h"
#include "cluster/register/ballot.h"
#include "cluster/register/record.h"

namespace grey::cluster {

/// Report the accepted record of a key (rule 6).
struct ReadRequest {
  bool want_value = true;  // false: everything but the value's bytes
};
/// Promise to accept nothing below `ballot` for this key, and report its record (rule 2).
struct PrepareRequest {
  Ballot ballot;
};
/// Accept `record` at record.ballot for this key (rule 3).
struct AcceptRequest {
  Record record;
};
/// Promise to accept nothing below `ballot` for any key of the range (rule 2).
struct PrepareRangeRequest {
  Ballot ballot;
};

struct ReplicaRequest {
  std::uint64_t epoch = 0;
  RangeToken range = 0;
  KeyName key;  // empty for a range request
  std::variant<ReadRequest, PrepareRequest, AcceptRequest, PrepareRangeRequest> body;
};

struct ReplicaReply {
  /// ok, or why the replica gives no vote at all (wrong_epoch, storage_corrupt, shutting_down…).
  ErrorCode error = ErrorCode::ok;
  std::uint64_t epoch = 0;
  /// PREPARE: promised. ACCEPT: accepted; a refusal never proves "not accepted". READ: true.
  bool granted = false;
  Ballot range_promise;
  Ballot key_promise;
  Ballot purge_floor;
  /// READ and granted PREPARE: the accepted record.
  Record record;
  bool value_included = false;

  Ballot highest_promise() const noexcept {
    return range_promise > key_promise ? range_promise : key_promise;
  }
};

}  // namespace grey::cluster
