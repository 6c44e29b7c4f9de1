#include <grey/client.h>

#include <boost/asio/post.hpp>
#include <stdexcept>
#include <utility>

#include "client/client_impl.h"
#include "client/convert.h"

namespace grey {
namespace detail {
namespace {

using client::OperationType;

// What runs on the strand owns the client's inside, so that it can be started from any thread and
// outlive the Client object.
template <typename Work>
void on_strand(const ClientPtr& client, Work work) {
  boost::asio::post(client->strand(),
                    [client, work = std::move(work)]() mutable { work(*client); });
}

ClientImpl::Done write_done(CompletionPtr<WriteResult> completion, bool leaves_value) {
  return [completion = std::move(completion), leaves_value](const client::FlowResult& result,
                                                            const Bytes&) {
    WriteResult out;
    if (result.code != ErrorCode::ok || leaves_value) out.version = version_of(result.version);
    out.token = token_of(result.submission);
    out.detail = result.detail;
    completion->complete(to_error_code(result.code), std::move(out));
  };
}

void start_write(const ClientPtr& client, std::uint64_t id, OperationType type, std::string key,
                 WriteOptions options, ClientImpl::Payload payload,
                 CompletionPtr<WriteResult> completion) {
  const bool leaves_value = type != OperationType::remove && !payload.cas_removes;
  on_strand(
      client, [id, type, key = std::move(key), options, payload = std::move(payload),
               done = write_done(std::move(completion), leaves_value)](ClientImpl& impl) mutable {
        impl.start(id, type, std::move(key), options, std::move(payload), {}, std::move(done));
      });
}

}  // namespace

const boost::asio::any_io_executor& executor_of(const ClientPtr& client) noexcept {
  return client->executor();
}

std::uint64_t new_operation(const ClientPtr& client) noexcept { return client->new_operation(); }

void cancel(const std::weak_ptr<ClientImpl>& weak, std::uint64_t operation) {
  if (const ClientPtr client = weak.lock()) {
    on_strand(client, [operation](ClientImpl& impl) { impl.cancel(operation); });
  }
}

void start_get(const ClientPtr& client, std::uint64_t id, std::string key, GetOptions options,
               CompletionPtr<GetResult> completion) {
  ClientImpl::Done done = [completion = std::move(completion)](const client::FlowResult& result,
                                                               Bytes value) {
    GetResult out;
    if (result.code == ErrorCode::ok) {
      out.value = std::move(value);
      out.version = version_of(result.version);
    }
    out.detail = result.detail;
    completion->complete(to_error_code(result.code), std::move(out));
  };
  on_strand(client,
            [id, key = std::move(key), options, done = std::move(done)](ClientImpl& impl) mutable {
              impl.start(id, OperationType::get, std::move(key), options, {}, {}, std::move(done));
            });
}

void start_put(const ClientPtr& client, std::uint64_t id, std::string key, std::string value,
               WriteOptions options, CompletionPtr<WriteResult> completion) {
  ClientImpl::Payload payload;
  payload.value = SharedBytes(std::move(value));
  start_write(client, id, OperationType::put, std::move(key), options, std::move(payload),
              std::move(completion));
}

void start_remove(const ClientPtr& client, std::uint64_t id, std::string key, WriteOptions options,
                  CompletionPtr<WriteResult> completion) {
  start_write(client, id, OperationType::remove, std::move(key), options, {},
              std::move(completion));
}

void start_cas(const ClientPtr& client, std::uint64_t id, std::string key, Expect expect,
               CasChange change, WriteOptions options, CompletionPtr<WriteResult> completion) {
  ClientImpl::Payload payload;
  payload.value = SharedBytes(std::move(change.value));
  payload.expect = std::move(expect);
  payload.cas_removes = change.removes;
  start_write(client, id, OperationType::cas, std::move(key), options, std::move(payload),
              std::move(completion));
}

void start_resolve(const ClientPtr& client, std::uint64_t id, std::string key, WriteToken token,
                   OperationOptions options, CompletionPtr<ResolveResult> completion) {
  ClientImpl::Done done = [completion = std::move(completion)](const client::FlowResult& result,
                                                               const Bytes&) {
    ResolveResult out;
    out.resolution = static_cast<Resolution>(result.resolution);
    out.detail = result.detail;
    completion->complete(to_error_code(result.code), std::move(out));
  };
  on_strand(client, [id, key = std::move(key), token, options,
                     done = std::move(done)](ClientImpl& impl) mutable {
    impl.start(id, OperationType::resolve, std::move(key), options, {}, submission_of(token),
               std::move(done));
  });
}

void start_cluster(const ClientPtr& client, std::uint64_t id, OperationOptions options,
                   CompletionPtr<ClusterView> completion) {
  on_strand(client, [id, options, completion = std::move(completion)](ClientImpl& impl) mutable {
    impl.start_cluster(id, options, std::move(completion));
  });
}

void start_status(const ClientPtr& client, std::uint64_t id, std::uint32_t node,
                  OperationOptions options, CompletionPtr<StatusResult> completion) {
  on_strand(client,
            [id, node, options, completion = std::move(completion)](ClientImpl& impl) mutable {
              impl.start_status(id, node, options, std::move(completion));
            });
}

}  // namespace detail

namespace {

void shut_down(detail::ClientPtr client) {
  if (!client) return;
  const auto strand = client->strand();
  boost::asio::post(strand, [client = std::move(client)] { client->shut_down(); });
}

}  // namespace

Client::Client(boost::asio::any_io_executor executor, Options options) {
  auto config = client::Config::make(options);
  if (!config) throw std::invalid_argument(config.error().message());
  impl_ = std::make_shared<detail::ClientImpl>(std::move(executor), std::move(*config));
  boost::asio::post(impl_->strand(), [impl = impl_] { impl->begin(); });
}

Client::~Client() { shut_down(std::move(impl_)); }

Client& Client::operator=(Client&& other) noexcept {
  if (this != &other) shut_down(std::exchange(impl_, std::move(other.impl_)));
  return *this;
}

}  // namespace grey
