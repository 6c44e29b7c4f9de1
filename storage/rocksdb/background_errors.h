// Surfaces the errors of RocksDB's background work (flush, compaction, manifest): they are noted
// and the node is told, on the executor's thread.
#pragma once
#include <rocksdb/listener.h>

#include <functional>
#include <memory>

#include "storage/rocksdb/health.h"
#include "storage/rocksdb/mailbox.h"

namespace grey::storage {

class BackgroundErrors final : public rocksdb::EventListener {
 public:
  using Report = std::function<void(const Error&)>;
  BackgroundErrors(std::shared_ptr<Health> health, std::shared_ptr<Mailbox> mailbox, Report report);
  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* status) override;
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason reason, rocksdb::Status status,
                            bool* auto_recovery) override;

 private:
  const std::shared_ptr<Health> health_;
  const std::shared_ptr<Mailbox> mailbox_;
  const Report report_;
};

}  // namespace grey::storage
