// The Grey client: linearizable get, put, remove and compare-and-swap for programs on Boost.Asio.
//
//   boost::asio::io_context io;
//   grey::Client client(io, {.seeds = {"127.0.0.1:7401"}, .tenant = "shop"});
//   client.async_put("cart/17", "…", [](boost::system::error_code ec, grey::WriteResult r) {…});
//   auto got = co_await client.async_get("cart/17", boost::asio::use_awaitable);
//
// Routing: the client learns the topology from any seed that answers, keeps one connection to each
// node, and sends each operation to the key's home, or to another replica while that one is down.
//
// Outcomes: success; an error (not applied); errc::outcome_unknown. A write that got no answer is
// never repeated blindly: the client asks another replica what became of it. Every operation ends
// by its timeout. Errors: grey/error.h.
//
// Thread-safety: all members of Client may be called from any thread at the same time, except
// construction, destruction and move. Completions run on the handler's associated executor, by
// default the client's. The executor's context must outlive the client, and its run() does not
// return while the client lives.
//
// Cancellation: every cancellation type is accepted, as `total` for gets (operation_aborted) and as
// `terminal` for writes: one that has left the process ends with outcome_unknown.
//
// Destruction never blocks: what is under way ends with operation_aborted, or outcome_unknown for
// writes that have left the process.
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <grey/detail/completion.h>
#include <grey/error.h>
#include <grey/options.h>
#include <grey/types.h>

namespace grey {

namespace detail {
class ClientImpl;
using ClientPtr = std::shared_ptr<ClientImpl>;

struct CasChange {
  bool removes = false;
  std::string value;
};

const boost::asio::any_io_executor& executor_of(const ClientPtr& client) noexcept;
std::uint64_t new_operation(const ClientPtr& client) noexcept;
void cancel(const std::weak_ptr<ClientImpl>& client, std::uint64_t operation);
void start_get(const ClientPtr&, std::uint64_t operation, std::string key, GetOptions,
               CompletionPtr<GetResult>);
void start_put(const ClientPtr&, std::uint64_t operation, std::string key, std::string value,
               WriteOptions, CompletionPtr<WriteResult>);
void start_remove(const ClientPtr&, std::uint64_t operation, std::string key, WriteOptions,
                  CompletionPtr<WriteResult>);
void start_cas(const ClientPtr&, std::uint64_t operation, std::string key, Expect, CasChange,
               WriteOptions, CompletionPtr<WriteResult>);
void start_resolve(const ClientPtr&, std::uint64_t operation, std::string key, WriteToken,
                   OperationOptions, CompletionPtr<ResolveResult>);
void start_cluster(const ClientPtr&, std::uint64_t operation, OperationOptions,
                   CompletionPtr<ClusterView>);
void start_status(const ClientPtr&, std::uint64_t operation, std::uint32_t node, OperationOptions,
                  CompletionPtr<StatusResult>);

/// Makes any completion token work with any of the start functions above.
template <typename Result, typename Token, typename Start, typename... Args>
auto initiate(const ClientPtr& client, Token&& token, Start start, Args&&... args) {
  return boost::asio::async_initiate<Token, void(boost::system::error_code, Result)>(
      [client, start](auto handler, auto... arguments) {
        const std::uint64_t operation = new_operation(client);
        if (auto slot = boost::asio::get_associated_cancellation_slot(handler);
            slot.is_connected()) {
          slot.assign([weak = std::weak_ptr<ClientImpl>(client),
                       operation](boost::asio::cancellation_type type) {
            if (type != boost::asio::cancellation_type::none) cancel(weak, operation);
          });
        }
        start(client, operation, std::move(arguments)...,
              make_completion<Result>(std::move(handler), executor_of(client)));
      },
      token, std::forward<Args>(args)...);
}
}  // namespace detail

class Client {
 public:
  /// Starts to connect. Throws std::invalid_argument if the options cannot work, and
  /// boost::system::system_error if the system has no descriptors left.
  Client(boost::asio::any_io_executor executor, Options options);
  Client(boost::asio::io_context& context, Options options)
      : Client(boost::asio::any_io_executor(context.get_executor()), std::move(options)) {}
  ~Client();
  Client(Client&&) noexcept = default;
  Client& operator=(Client&&) noexcept;

  const boost::asio::any_io_executor& get_executor() const noexcept {
    return detail::executor_of(impl_);
  }

  /// Reads a key: void(error_code, GetResult). errc::not_found if it is absent.
  template <typename Token>
  auto async_get(std::string key, GetOptions options, Token&& token) {
    return detail::initiate<GetResult>(impl_, std::forward<Token>(token), &detail::start_get,
                                       std::move(key), options);
  }
  template <typename Token>
  auto async_get(std::string key, Token&& token) {
    return async_get(std::move(key), GetOptions(), std::forward<Token>(token));
  }

  /// Writes a key: void(error_code, WriteResult).
  template <typename Token>
  auto async_put(std::string key, std::string value, WriteOptions options, Token&& token) {
    return detail::initiate<WriteResult>(impl_, std::forward<Token>(token), &detail::start_put,
                                         std::move(key), std::move(value), options);
  }
  template <typename Token>
  auto async_put(std::string key, std::string value, Token&& token) {
    return async_put(std::move(key), std::move(value), WriteOptions(), std::forward<Token>(token));
  }

  /// Removes a key, which need not exist: void(error_code, WriteResult).
  template <typename Token>
  auto async_remove(std::string key, WriteOptions options, Token&& token) {
    return detail::initiate<WriteResult>(impl_, std::forward<Token>(token), &detail::start_remove,
                                         std::move(key), options);
  }
  template <typename Token>
  auto async_remove(std::string key, Token&& token) {
    return async_remove(std::move(key), WriteOptions(), std::forward<Token>(token));
  }

  /// Writes a key if it holds what is expected: void(error_code, WriteResult).
  /// errc::precondition_failed if it does not.
  template <typename Token>
  auto async_cas(std::string key, Expect expect, std::string value, WriteOptions options,
                 Token&& token) {
    return detail::initiate<WriteResult>(impl_, std::forward<Token>(token), &detail::start_cas,
                                         std::move(key), std::move(expect),
                                         detail::CasChange{false, std::move(value)}, options);
  }
  template <typename Token>
  auto async_cas(std::string key, Expect expect, std::string value, Token&& token) {
    return async_cas(std::move(key), std::move(expect), std::move(value), WriteOptions(),
                     std::forward<Token>(token));
  }
  /// Removes a key if it holds what is expected.
  template <typename Token>
  auto async_cas_remove(std::string key, Expect expect, WriteOptions options, Token&& token) {
    return detail::initiate<WriteResult>(impl_, std::forward<Token>(token), &detail::start_cas,
                                         std::move(key), std::move(expect),
                                         detail::CasChange{true, {}}, options);
  }

  /// Asks what became of a write that ended with outcome_unknown: void(error_code, ResolveResult).
  template <typename Token>
  auto async_resolve(std::string key, WriteToken write, OperationOptions options, Token&& token) {
    return detail::initiate<ResolveResult>(impl_, std::forward<Token>(token),
                                           &detail::start_resolve, std::move(key), write, options);
  }

  /// The topology as soon as some node has told it, and which nodes are connected:
  /// void(error_code, ClusterView).
  template <typename Token>
  auto async_cluster(OperationOptions options, Token&& token) {
    return detail::initiate<ClusterView>(impl_, std::forward<Token>(token), &detail::start_cluster,
                                         options);
  }
  /// What one node says of itself: void(error_code, StatusResult).
  template <typename Token>
  auto async_status(std::uint32_t node, OperationOptions options, Token&& token) {
    return detail::initiate<StatusResult>(impl_, std::forward<Token>(token), &detail::start_status,
                                          node, options);
  }

 private:
  detail::ClientPtr impl_;
};

}  // namespace grey
