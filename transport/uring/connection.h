// A TCP connection in the ring: one multishot receive that delivers from the shared buffers, and at
// most one gathered send.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "transport/stream.h"
#include "transport/uring/gathered_send.h"
#include "transport/uring/resource.h"

namespace grey::transport::uring {

class Connection final : public Resource, private BufferWaiter {
 public:
  /// The owner's end of a new connection over `descriptor`.
  static std::unique_ptr<Stream> make(Loop& loop, int descriptor, Endpoint peer);

  void start(StreamHandler& handler);
  void send(SendBatch batch);
  void pause_receive();
  void resume_receive();
  void shutdown_send();
  void close();
  const Endpoint& peer() const noexcept { return peer_; }

 private:
  enum Slot : unsigned { slot_receive, slot_send, slot_cancel_receive };
  enum class SendSide { open, shutdown_wanted, shut };
  enum class ReceiveSide { open, end_pending, ended };

  Connection(Loop& loop, int descriptor, Endpoint peer);
  ~Connection() override;

  void completed(unsigned slot, int result, std::uint32_t flags) override;
  void advance() override;
  void ended() override;
  void detached() override { handler_ = nullptr; }

  void buffers_free() override;
  void wait_for_buffers();
  void received(int result, std::uint32_t flags);
  void take_bytes(std::string_view bytes);
  bool may_call() { return handler_ != nullptr && !ending() && loop().running(); }
  bool can_deliver() { return may_call() && !paused_; }
  void deliver_held();
  void arm_receive();

  void sent(int result);
  void finish_send();
  void launch_send();
  void shut_send_side();

  void end_because(Error reason);

  const Endpoint peer_;
  StreamHandler* handler_ = nullptr;
  Error reason_;
  bool paused_ = false;
  bool receiving_ = false;           // a receive is in the ring
  bool cancelling_receive_ = false;  // and is being cancelled
  bool got_bytes_ = false;           // since the receive was launched
  bool waiting_for_buffers_ = false;
  ReceiveSide receive_side_ = ReceiveSide::open;
  Bytes held_;            // received while paused
  bool sending_ = false;  // a send is in the ring
  SendSide send_side_ = SendSide::open;
  GatheredSend send_;
};

}  // namespace grey::transport::uring
