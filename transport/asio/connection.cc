#include "transport/asio/connection.h"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <span>
#include <utility>

#include "base/check.h"
#include "transport/asio/address.h"

namespace grey::transport::asio {

namespace net = boost::asio;
using boost::system::error_code;

namespace {

// Full buffers read in one turn before other connections have theirs.
constexpr int reads_per_turn = 4;
constexpr std::size_t pieces_per_write = 64;  // what Asio passes to one system call

}  // namespace

void Connection::start(StreamHandler& handler) {
  GREY_CHECK(handler_ == nullptr);
  handler_ = &handler;
  if (over_) return wake_later();
  wait_readable();
}

void Connection::resume_receive() {
  if (!std::exchange(paused_, false) || !is_live()) return;
  wait_readable();
}

void Connection::wait_readable() {
  if (paused_ || end_received_ || std::exchange(waiting_readable_, true)) return;
  socket_.async_wait(net::socket_base::wait_read,
                     loop_->pooled([self = shared_from_this()](const error_code&) {
                       self->waiting_readable_ = false;
                       if (self->is_live()) self->on_readable();
                     }));
}

void Connection::on_readable() {
  for (int i = 0; i < reads_per_turn; ++i) {
    // After a pause and a resume inside the callback there may be a wait already.
    if (paused_ || waiting_readable_) return;
    if (!receive_once()) break;
  }
  if (is_live()) wait_readable();
}

// Reads once and delivers. True if there may be more at once.
bool Connection::receive_once() {
  auto& buffer = loop_->receive_buffer();
  error_code error;
  const std::size_t size = socket_.read_some(net::buffer(buffer), error);
  if (error == net::error::would_block || error == net::error::interrupted) return false;
  if (error == net::error::eof) {
    end_received_ = true;
    handler_->on_receive_end();
    if (is_live() && fin_sent_) wake_later();
    return false;
  }
  if (error) {
    finish(stream_error(error));
    return false;
  }
  handler_->on_receive(std::string_view(buffer.data(), size));
  return is_live() && size == buffer.size();
}

void Connection::send(SendBatch batch) {
  if (!is_live()) return;
  GREY_CHECK(!sending_ && !fin_wanted_);
  sending_ = true;
  batch_ = std::move(batch);
  piece_ = offset_ = 0;
  write();
}

// Writes what the kernel takes; the rest when the socket is writable again.
void Connection::write() {
  std::array<net::const_buffer, pieces_per_write> buffers;
  while (!is_written()) {
    std::size_t count = 0;
    for (std::size_t i = piece_; count < buffers.size() && i < batch_.piece_count(); ++i) {
      const ByteView piece = batch_.piece(i).substr(i == piece_ ? offset_ : 0);
      buffers[count++] = net::buffer(piece.data(), piece.size());
    }
    error_code error;
    const std::size_t written = socket_.write_some(std::span(buffers).first(count), error);
    if (error == net::error::would_block || error == net::error::interrupted) {
      return wait_writable();
    }
    if (error) return finish(stream_error(error));
    advance(written);
  }
  if (fin_wanted_) end_sending();
  wake_later();
}

void Connection::advance(std::size_t bytes) {
  offset_ += bytes;
  while (!is_written() && offset_ >= batch_.piece(piece_).size()) {
    offset_ -= batch_.piece(piece_).size();
    ++piece_;
  }
}

void Connection::wait_writable() {
  if (std::exchange(waiting_writable_, true)) return;
  socket_.async_wait(net::socket_base::wait_write,
                     loop_->pooled([self = shared_from_this()](const error_code&) {
                       self->waiting_writable_ = false;
                       if (self->is_live()) self->write();
                     }));
}

void Connection::shutdown_send() {
  if (!is_live()) return;
  fin_wanted_ = true;
  if (is_written()) {
    end_sending();
    wake_later();
  }
}

void Connection::end_sending() {
  if (std::exchange(fin_sent_, true)) return;
  error_code ignored;  // a reset shows itself when reading
  socket_.shutdown(net::socket_base::shutdown_send, ignored);
}

void Connection::close() {
  if (over_ && handler_ == nullptr) return;
  finish(Error{ErrorCode::closed_locally, {}});
}

void Connection::detach() {
  handler_ = nullptr;
  batch_ = {};
  error_code ignored;
  socket_.close(ignored);
}

// The stream is over for `reason`; its handler hears of it in its turn.
void Connection::finish(Error reason) {
  over_ = std::move(reason);
  error_code ignored;
  socket_.close(ignored);
  wake_later();
}

void Connection::wake_later() {
  if (std::exchange(wake_pending_, true)) return;
  loop_->post([self = shared_from_this()] { self->service(); });
}

// Tells the handler what is due.
void Connection::service() {
  wake_pending_ = false;
  if (handler_ == nullptr) return;
  if (!over_ && sending_ && is_written()) {
    sending_ = false;
    batch_.clear();
    piece_ = offset_ = 0;
    handler_->on_sent(std::exchange(batch_, {}));
    if (handler_ == nullptr) return;
  }
  if (!over_ && fin_sent_ && end_received_ && !sending_) {
    over_ = Error{ErrorCode::peer_closed, {}};
    error_code ignored;
    socket_.close(ignored);
  }
  if (!over_) return;
  batch_ = {};
  const Error reason = *over_;
  std::exchange(handler_, nullptr)->on_closed(reason);
}

}  // namespace grey::transport::asio
