#include "transport/uring/connection.h"

#include <cerrno>
#include <utility>

#include "base/check.h"
#include "transport/uring/socket.h"

namespace grey::transport::uring {
namespace {

class StreamLink final : public Stream, private OwnerLink {
 public:
  explicit StreamLink(Connection& connection) : OwnerLink(connection) {}
  void start(StreamHandler& handler) override {
    if (auto* c = connection()) c->start(handler);
  }
  void send(SendBatch batch) override {
    if (auto* c = connection()) c->send(std::move(batch));
  }
  void pause_receive() override {
    if (auto* c = connection()) c->pause_receive();
  }
  void resume_receive() override {
    if (auto* c = connection()) c->resume_receive();
  }
  void shutdown_send() override {
    if (auto* c = connection()) c->shutdown_send();
  }
  void close() override {
    if (auto* c = connection()) c->close();
  }
  std::string peer_address() const override {
    return connection() != nullptr ? connection()->peer().to_string() : std::string();
  }

 private:
  Connection* connection() const { return static_cast<Connection*>(resource()); }
};

}  // namespace

Connection::Connection(Loop& the_loop, int descriptor, Endpoint peer)
    : Resource(the_loop, descriptor), peer_(std::move(peer)) {}

Connection::~Connection() {
  if (waiting_for_buffers_) loop().buffer_waiters().remove(*this);
}

std::unique_ptr<Stream> Connection::make(Loop& loop, int descriptor, Endpoint peer) {
  return std::make_unique<StreamLink>(*new Connection(loop, descriptor, std::move(peer)));
}

// The owner's calls. Each changes the state and, where the loop runs, launches what follows.

void Connection::start(StreamHandler& handler) {
  if (ending()) return;
  GREY_CHECK(handler_ == nullptr);
  handler_ = &handler;
  arm_receive();
}

void Connection::send(SendBatch batch) {
  if (ending()) return;  // on_closed() is on its way
  GREY_CHECK(handler_ != nullptr && !send_.active() && send_side_ == SendSide::open);
  send_.begin(std::move(batch));
  if (send_.done()) {
    defer();  // nothing to send: on_sent() still comes from the loop
  } else {
    launch_send();
  }
}

void Connection::pause_receive() {
  paused_ = true;
  if (!receiving_ || cancelling_receive_ || ending() || !loop().running()) return;
  cancelling_receive_ = true;
  io_uring_sqe* entry = next_entry();
  io_uring_prep_cancel64(entry, user_data(slot_receive), 0);
  launch(entry, slot_cancel_receive);
}

void Connection::resume_receive() {
  paused_ = false;
  defer();
}

void Connection::shutdown_send() {
  if (send_side_ != SendSide::open) return;
  send_side_ = SendSide::shutdown_wanted;
  defer();
}

void Connection::close() { end_because(Error{ErrorCode::closed_locally, {}}); }

void Connection::end_because(Error reason) {
  if (ending()) return;
  reason_ = std::move(reason);
  begin_end();
}

void Connection::ended() {
  held_.clear();
  if (StreamHandler* handler = std::exchange(handler_, nullptr)) handler->on_closed(reason_);
}

void Connection::completed(unsigned slot, int result, std::uint32_t flags) {
  if (slot == slot_receive) {
    received(result, flags);
  } else if (slot == slot_send) {
    sent(result);
  } else {
    cancelling_receive_ = false;
  }
}

void Connection::advance() {
  if (handler_ == nullptr) return;
  deliver_held();
  if (may_call() && send_.done()) finish_send();
  if (can_deliver() && receive_side_ == ReceiveSide::end_pending) {
    receive_side_ = ReceiveSide::ended;
    handler_->on_receive_end();
  }
  if (!may_call()) return;
  if (send_.active()) {
    launch_send();
  } else if (send_side_ == SendSide::shutdown_wanted) {
    shut_send_side();
  }
  arm_receive();
  if (receive_side_ == ReceiveSide::ended && send_side_ == SendSide::shut) {
    end_because(Error{ErrorCode::peer_closed, {}});
  }
}

// Receiving.

void Connection::arm_receive() {
  if (receiving_ || waiting_for_buffers_ || paused_ || receive_side_ != ReceiveSide::open ||
      ending() || !loop().running()) {
    return;
  }
  io_uring_sqe* entry = next_entry();
  io_uring_prep_recv_multishot(entry, descriptor(), nullptr, 0, 0);
  entry->flags |= IOSQE_BUFFER_SELECT;
  entry->buf_group = BufferRing::group;
  launch(entry, slot_receive);
  receiving_ = true;
  got_bytes_ = false;
}

void Connection::wait_for_buffers() {
  ++loop().counters().buffers_exhausted;
  waiting_for_buffers_ = true;
  if (got_bytes_) {
    loop().buffer_waiters().push_last(*this);
  } else {
    loop().buffer_waiters().push_first(*this);
  }
}

void Connection::buffers_free() {
  waiting_for_buffers_ = false;
  arm_receive();
}

void Connection::received(int result, std::uint32_t flags) {
  if ((flags & IORING_CQE_F_MORE) == 0) receiving_ = false;
  if (flags & IORING_CQE_F_BUFFER) {
    const auto buffer = static_cast<std::uint16_t>(flags >> IORING_CQE_BUFFER_SHIFT);
    if (result > 0) take_bytes(loop().buffers().view(buffer, static_cast<std::size_t>(result)));
    loop().buffers().give_back(buffer);
    if (result > 0) return;
  }
  switch (result) {
    case 0:
      receive_side_ = ReceiveSide::end_pending;
      break;
    case -ENOBUFS:
      wait_for_buffers();
      break;
    case -ECANCELED:
    case -EINTR:
    case -EAGAIN:
      break;  // paused or stopping, or to be tried again: advance() decides
    default:
      end_because(socket_error(-result, "receiving from " + peer_.to_string()));
  }
}

void Connection::take_bytes(std::string_view bytes) {
  ++loop().counters().receives;
  loop().counters().bytes_received += bytes.size();
  got_bytes_ = true;
  if (can_deliver() && held_.empty()) {
    handler_->on_receive(bytes);
  } else if (!ending()) {
    held_ += bytes;
  }
}

void Connection::deliver_held() {
  if (held_.empty() || !can_deliver()) return;
  const Bytes bytes = std::exchange(held_, {});
  handler_->on_receive(bytes);
}

// Sending.

void Connection::launch_send() {
  if (sending_ || ending() || !loop().running()) return;
  const msghdr& message = send_.next_message();
  io_uring_sqe* entry = next_entry();
  constexpr unsigned flags = MSG_WAITALL | MSG_NOSIGNAL;
  if (message.msg_iovlen == 1) {
    const iovec& only = message.msg_iov[0];
    io_uring_prep_send(entry, descriptor(), only.iov_base, only.iov_len, flags);
  } else {
    io_uring_prep_sendmsg(entry, descriptor(), &message, flags);
  }
  launch(entry, slot_send);
  sending_ = true;
}

void Connection::sent(int result) {
  sending_ = false;
  if (result < 0) {
    const bool again = result == -EINTR || result == -EAGAIN || result == -ECANCELED;
    if (!again) end_because(socket_error(-result, "sending to " + peer_.to_string()));
    return;
  }
  ++loop().counters().sends;
  loop().counters().bytes_sent += static_cast<std::uint64_t>(result);
  send_.advance(static_cast<std::size_t>(result));
  if (!send_.done()) ++loop().counters().sends_short;
}

void Connection::finish_send() {
  SendBatch batch = send_.take();
  handler_->on_sent(std::move(batch));
}

void Connection::shut_send_side() {
  send_side_ = SendSide::shut;
  // ENOTCONN (the peer has reset) shows up on the receiving side.
  ::shutdown(descriptor(), SHUT_WR);
}

}  // namespace grey::transport::uring
