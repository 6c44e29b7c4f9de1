#include "storage/rocksdb/background_errors.h"

#include <utility>

#include "storage/rocksdb/status.h"

namespace grey::storage {
namespace {

std::string_view reason_text(rocksdb::BackgroundErrorReason reason) {
  using Reason = rocksdb::BackgroundErrorReason;
  switch (reason) {
    case Reason::kFlush:
    case Reason::kFlushNoWAL:
      return "writing a table file";
    case Reason::kCompaction:
      return "compaction";
    case Reason::kWriteCallback:
      return "commit";
    case Reason::kMemTable:
      return "inserting in memory";
    case Reason::kManifestWrite:
    case Reason::kManifestWriteNoWAL:
      return "writing the manifest";
  }
  return "background work";
}

}  // namespace

BackgroundErrors::BackgroundErrors(std::shared_ptr<Health> health, std::shared_ptr<Mailbox> mailbox,
                                   Report report)
    : health_(std::move(health)), mailbox_(std::move(mailbox)), report_(std::move(report)) {}

// Called with RocksDB's mutex held: nothing here blocks.
void BackgroundErrors::OnBackgroundError(rocksdb::BackgroundErrorReason reason,
                                         rocksdb::Status* status) {
  Error error = to_error(*status, reason_text(reason));
  health_->note(error);
  if (auto fatal = health_->fatal()) error = *std::move(fatal);
  if (!report_) return;
  mailbox_->deliver(Task([report = report_, error = std::move(error)] { report(error); }));
}

// The committer resumes when there is something to write; nothing resumes by itself.
void BackgroundErrors::OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status status,
                                            bool* auto_recovery) {
  status.PermitUncheckedError();
  *auto_recovery = false;
}

}  // namespace grey::storage
