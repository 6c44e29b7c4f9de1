#include <grey/sync_client.h>

#include <boost/asio/io_context.hpp>
#include <future>
#include <optional>
#include <thread>
#include <utility>

namespace grey {

class SyncClient::Impl {
 public:
  explicit Impl(Options options)
      : context_(1), client_(std::in_place, context_, std::move(options)) {
    thread_ = std::thread([this] { context_.run(); });
  }
  ~Impl() {
    client_.reset();  // then nothing keeps the context busy
    thread_.join();
  }

  Client& client() noexcept { return *client_; }

  /// Starts an operation and waits for it.
  template <typename Result, typename Start>
  Result wait(boost::system::error_code& ec, Start start) {
    std::promise<std::pair<boost::system::error_code, Result>> promise;
    auto future = promise.get_future();
    // The handler owns the promise, so that it outlives set_value().
    start([promise = std::move(promise)](boost::system::error_code error, Result result) mutable {
      promise.set_value({error, std::move(result)});
    });
    auto [error, result] = future.get();
    ec = error;
    return std::move(result);
  }

 private:
  boost::asio::io_context context_;
  std::optional<Client> client_;
  std::thread thread_;
};

SyncClient::SyncClient(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
SyncClient::~SyncClient() = default;
Client& SyncClient::async() noexcept { return impl_->client(); }

GetResult SyncClient::get(std::string key, boost::system::error_code& ec, GetOptions options) {
  return impl_->wait<GetResult>(ec, [&](auto handler) {
    impl_->client().async_get(std::move(key), options, std::move(handler));
  });
}

WriteResult SyncClient::put(std::string key, std::string value, boost::system::error_code& ec,
                            WriteOptions options) {
  return impl_->wait<WriteResult>(ec, [&](auto handler) {
    impl_->client().async_put(std::move(key), std::move(value), options, std::move(handler));
  });
}

WriteResult SyncClient::remove(std::string key, boost::system::error_code& ec,
                               WriteOptions options) {
  return impl_->wait<WriteResult>(ec, [&](auto handler) {
    impl_->client().async_remove(std::move(key), options, std::move(handler));
  });
}

WriteResult SyncClient::cas(std::string key, Expect expect, std::string value,
                            boost::system::error_code& ec, WriteOptions options) {
  return impl_->wait<WriteResult>(ec, [&](auto handler) {
    impl_->client().async_cas(std::move(key), std::move(expect), std::move(value), options,
                              std::move(handler));
  });
}

WriteResult SyncClient::cas_remove(std::string key, Expect expect, boost::system::error_code& ec,
                                   WriteOptions options) {
  return impl_->wait<WriteResult>(ec, [&](auto handler) {
    impl_->client().async_cas_remove(std::move(key), std::move(expect), options,
                                     std::move(handler));
  });
}

ResolveResult SyncClient::resolve(std::string key, WriteToken write, boost::system::error_code& ec,
                                  OperationOptions options) {
  return impl_->wait<ResolveResult>(ec, [&](auto handler) {
    impl_->client().async_resolve(std::move(key), write, options, std::move(handler));
  });
}

ClusterView SyncClient::cluster(boost::system::error_code& ec, OperationOptions options) {
  return impl_->wait<ClusterView>(
      ec, [&](auto handler) { impl_->client().async_cluster(options, std::move(handler)); });
}

StatusResult SyncClient::status(std::uint32_t node, boost::system::error_code& ec,
                                OperationOptions options) {
  return impl_->wait<StatusResult>(
      ec, [&](auto handler) { impl_->client().async_status(node, options, std::move(handler)); });
}

}  // namespace grey
