// The client for programs without an event loop: every call waits for its end. It owns a thread,
// on which a grey::Client runs.
//
// Thread-safety: all members may be called from any thread at the same time, except construction
// and destruction. Destruction waits for the thread, which does not wait for the network.
#pragma once
#include <grey/client.h>

#include <memory>
#include <string>

namespace grey {

class SyncClient {
 public:
  /// Throws as Client's constructor does.
  explicit SyncClient(Options options);
  ~SyncClient();
  SyncClient(const SyncClient&) = delete;
  SyncClient& operator=(const SyncClient&) = delete;

  // As the operations of Client; the outcome is in `ec`.
  GetResult get(std::string key, boost::system::error_code& ec, GetOptions options = {});
  WriteResult put(std::string key, std::string value, boost::system::error_code& ec,
                  WriteOptions options = {});
  WriteResult remove(std::string key, boost::system::error_code& ec, WriteOptions options = {});
  WriteResult cas(std::string key, Expect expect, std::string value, boost::system::error_code& ec,
                  WriteOptions options = {});
  WriteResult cas_remove(std::string key, Expect expect, boost::system::error_code& ec,
                         WriteOptions options = {});
  ResolveResult resolve(std::string key, WriteToken write, boost::system::error_code& ec,
                        OperationOptions options = {});
  ClusterView cluster(boost::system::error_code& ec, OperationOptions options = {});
  StatusResult status(std::uint32_t node, boost::system::error_code& ec,
                      OperationOptions options = {});

  /// The client inside, for what is better done asynchronously.
  Client& async() noexcept;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace grey
