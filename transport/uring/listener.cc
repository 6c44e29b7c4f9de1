#include "transport/uring/listener.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "transport/uring/connection.h"
#include "transport/uring/socket.h"

namespace grey::transport::uring {
namespace {

class ListenerLink final : public Listener, private OwnerLink {
 public:
  explicit ListenerLink(Acceptor& acceptor)
      : OwnerLink(acceptor), local_(acceptor.local_endpoint()) {}
  Endpoint local_endpoint() const override { return local_; }

 private:
  const Endpoint local_;
};

/// Errors of one connection that died before it was accepted; the listener is well.
bool concerns_one_connection(int error_number) {
  switch (error_number) {
    case ECONNABORTED:
    case EPROTO:
    case EINTR:
    case EAGAIN:
    case EPERM:  // a firewall's
    case ENETDOWN:
    case EHOSTDOWN:
    case ENETUNREACH:
    case EHOSTUNREACH:
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<std::unique_ptr<Listener>> Acceptor::listen(Loop& loop, const Endpoint& endpoint,
                                                   AcceptCallback on_accept) {
  const auto descriptor = open_listening_socket(endpoint);
  if (!descriptor) return std::unexpected(descriptor.error());
  auto* acceptor = new Acceptor(loop, *descriptor, std::move(on_accept));
  auto link = std::make_unique<ListenerLink>(*acceptor);
  acceptor->defer();
  return link;
}

Acceptor::Acceptor(Loop& the_loop, int descriptor, AcceptCallback on_accept)
    : Resource(the_loop, descriptor),
      local_(local_endpoint_of(descriptor)),
      on_accept_(std::move(on_accept)) {}

Acceptor::~Acceptor() { loop().cancel(rest_timer_); }

void Acceptor::detached() {
  has_owner_ = false;
  // The port is free at once, not only when the ring has let go of the socket.
  ::shutdown(descriptor(), SHUT_RDWR);
}

void Acceptor::advance() {
  if (accepting_ || rest_timer_ != 0) return;
  io_uring_sqe* entry = next_entry();
  io_uring_prep_multishot_accept(entry, descriptor(), nullptr, nullptr, SOCK_CLOEXEC);
  launch(entry, 0);
  accepting_ = true;
}

void Acceptor::completed(unsigned, int result, std::uint32_t flags) {
  if ((flags & IORING_CQE_F_MORE) == 0) accepting_ = false;
  if (result >= 0) {
    if (!has_owner_ || !loop().running()) {
      ::close(result);
      return;
    }
    ++loop().counters().accepts;
    on_accept_(Connection::make(loop(), result, peer_endpoint_of(result)));
  } else if (result != -ECANCELED && !concerns_one_connection(-result)) {
    take_rest();
  }
}

// Out of descriptors (EMFILE, ENFILE) or memory: connections wait in the backlog until some are
// given back. Trying again at once would only burn the processor.
void Acceptor::take_rest() {
  if (rest_timer_ != 0 || !loop().running()) return;
  ++loop().counters().accept_pauses;
  rest_timer_ = loop().schedule_at(loop().clock().now() + rest, [this] {
    rest_timer_ = 0;
    defer();
  });
}

}  // namespace grey::transport::uring
