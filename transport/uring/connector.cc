#include "transport/uring/connector.h"

#include <cerrno>
#include <utility>

#include "transport/uring/connection.h"

namespace grey::transport::uring {
namespace {

class AttemptLink final : public ConnectAttempt, private OwnerLink {
 public:
  explicit AttemptLink(Connector& connector) : OwnerLink(connector) {}
};

}  // namespace

std::unique_ptr<ConnectAttempt> Connector::connect(Loop& loop, const Endpoint& endpoint,
                                                   MonotonicTime deadline, ConnectCallback done) {
  auto address = to_socket_address(endpoint);
  Result<int> descriptor = -1;
  if (address) descriptor = open_socket(address->storage.ss_family);
  auto* connector = new Connector(loop, descriptor.value_or(-1), endpoint, std::move(done));
  auto link = std::make_unique<AttemptLink>(*connector);
  if (!address) {
    connector->finish(std::unexpected(address.error()));
  } else if (!descriptor) {
    connector->finish(std::unexpected(descriptor.error()));
  } else {
    connector->address_ = *address;
    connector->watch(deadline);
    connector->defer();
  }
  return link;
}

Connector::Connector(Loop& the_loop, int descriptor, const Endpoint& endpoint, ConnectCallback done)
    : Resource(the_loop, descriptor), endpoint_(endpoint), done_(std::move(done)) {}

Connector::~Connector() { loop().cancel(deadline_timer_); }

void Connector::watch(MonotonicTime deadline) {
  if (deadline == never) return;
  deadline_timer_ = loop().schedule_at(deadline, [this] {
    deadline_timer_ = 0;
    finish(timed_out());
  });
}

void Connector::advance() {
  if (connecting_) return;
  io_uring_sqe* entry = next_entry();
  io_uring_prep_connect(entry, descriptor(), address_.raw(), address_.size);
  launch(entry, 0);
  connecting_ = true;
}

void Connector::completed(unsigned, int result, std::uint32_t) {
  connecting_ = false;
  if (ending()) return;
  if (result == 0 && local_endpoint_of(descriptor()) == endpoint_) {
    // Nobody listens, and the system chose the very port as ours: TCP has connected the socket to
    // itself (simultaneous open).
    result = -ECONNREFUSED;
  }
  if (result == 0) {
    finish(Connection::make(loop(), take_descriptor(), endpoint_));
  } else if (result == -ETIMEDOUT) {
    finish(timed_out());
  } else {
    finish(std::unexpected(socket_error(-result, "connecting to " + endpoint_.to_string())));
  }
}

std::unexpected<Error> Connector::timed_out() const {
  return fail(ErrorCode::connect_timeout, "connecting to " + endpoint_.to_string());
}

void Connector::finish(Result<std::unique_ptr<Stream>> outcome) {
  if (ending()) return;
  outcome_ = std::move(outcome);
  begin_end();
}

void Connector::ended() {
  loop().cancel(deadline_timer_);
  if (ConnectCallback done = std::exchange(done_, nullptr)) done(std::move(*outcome_));
}

}  // namespace grey::transport::uring
