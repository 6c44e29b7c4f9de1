// Compiled as C++20 with nothing but Boost and the standard library: what programs include must
// not need more. Never linked.
#include <grey/client.h>
#include <grey/error.h>
#include <grey/options.h>
#include <grey/sync_client.h>
#include <grey/types.h>

#include <boost/asio/deferred.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

static_assert(__cplusplus < 202300L, "this file is to be compiled as C++20");

namespace grey::cxx20 {

boost::asio::awaitable<void> use(grey::Client& client) {
  co_await client.async_put("key", "value", boost::asio::use_awaitable);
  const grey::GetResult got = co_await client.async_get("key", boost::asio::use_awaitable);
  co_await client.async_cas("key", grey::Expect::version(got.version), "next",
                            boost::asio::deferred)(boost::asio::use_awaitable);
  client.async_remove("key", boost::asio::use_future).get();
}

}  // namespace grey::cxx20
