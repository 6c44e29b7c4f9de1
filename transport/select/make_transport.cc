#include "transport/select/make_transport.h"

#include <utility>

#include "transport/asio/asio_transport.h"
#include "transport/uring/kernel_check.h"
#include "transport/uring/transport.h"

namespace grey::transport {
namespace {

Result<ChosenTransport> make_uring() {
  const auto checked = uring::check_kernel();
  if (!checked) return std::unexpected(checked.error());
  auto made = uring::UringTransport::create();
  if (!made) return std::unexpected(made.error());
  return ChosenTransport{std::move(*made), "io_uring works here (" + *checked + ")"};
}

Result<ChosenTransport> make_asio(std::string reason) {
  auto made = asio::AsioTransport::create();
  if (!made) return std::unexpected(made.error());
  return ChosenTransport{std::move(*made), std::move(reason)};
}

}  // namespace

Result<TransportKind> parse_transport_kind(std::string_view text) {
  if (text == "auto") return TransportKind::automatic;
  if (text == "io_uring") return TransportKind::io_uring;
  if (text == "asio") return TransportKind::asio;
  return fail(ErrorCode::config_bad_value,
              "transport: '" + std::string(text) + "' is none of auto, io_uring, asio");
}

Result<ChosenTransport> make_transport(TransportKind kind) {
  if (kind == TransportKind::asio) return make_asio("asio as configured");
  auto made = make_uring();
  if (made || kind == TransportKind::io_uring) return made;
  return make_asio("asio because io_uring is not available: " + made.error().detail);
}

}  // namespace grey::transport
