// Carries a completion handler of any type to the client's loop and its result back to the
// handler's executor. Not part of the API.
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/system/error_code.hpp>
#include <memory>
#include <utility>

namespace grey::detail {

/// To be completed exactly once, on any thread; destroyed uncompleted only when its execution
/// context is destroyed.
template <typename Result>
class Completion {
 public:
  virtual ~Completion() = default;
  virtual void complete(const boost::system::error_code& error, Result result) = 0;
};

template <typename Result, typename Handler>
class CompletionOf final : public Completion<Result> {
 public:
  using Executor = boost::asio::associated_executor_t<Handler, boost::asio::any_io_executor>;

  CompletionOf(Handler handler, const boost::asio::any_io_executor& fallback)
      : executor_(boost::asio::prefer(boost::asio::get_associated_executor(handler, fallback),
                                      boost::asio::execution::outstanding_work.tracked)),
        handler_(std::move(handler)) {}

  void complete(const boost::system::error_code& error, Result result) override {
    boost::asio::post(executor_, [handler = std::move(handler_), error, result = std::move(result),
                                  work = executor_]() mutable {
      // The slot's handler must be gone before the operation's.
      if (auto slot = boost::asio::get_associated_cancellation_slot(handler); slot.is_connected()) {
        slot.clear();
      }
      std::move(handler)(error, std::move(result));
    });
  }

 private:
  using Tracked = std::decay_t<decltype(boost::asio::prefer(
      std::declval<Executor>(), boost::asio::execution::outstanding_work.tracked))>;
  Tracked executor_;
  Handler handler_;
};

template <typename Result>
using CompletionPtr = std::unique_ptr<Completion<Result>>;

template <typename Result, typename Handler>
CompletionPtr<Result> make_completion(Handler handler,
                                      const boost::asio::any_io_executor& fallback) {
  return std::make_unique<CompletionOf<Result, Handler>>(std::move(handler), fallback);
}

}  // namespace grey::detail
