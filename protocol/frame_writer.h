// Turns envelopes into frames at the end of a SendBatch: gives them their message id, compresses,
// encrypts, adds the checksum. A large value at the envelope's end is shared with the batch, not
// copied, when the frame is neither compressed nor encrypted.
#pragma once
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/send_batch.h"
#include "protocol/crypto.h"
#include "protocol/wire.h"

namespace grey::protocol {

/// An envelope in pieces, in order. Any may be empty.
struct EnvelopePieces {
  ByteView head{};
  ByteView body{};
  const SharedBytes* value = nullptr;
  std::size_t value_offset = 0;
  std::size_t value_bytes = 0;

  ByteView value_view() const noexcept {
    return value == nullptr ? ByteView() : value->view().substr(value_offset, value_bytes);
  }
  std::size_t size() const noexcept { return head.size() + body.size() + value_bytes; }
};

class FrameWriter {
 public:
  /// Envelopes of at least this size are compressed if that helps; 0 never.
  void set_compression(std::uint32_t threshold_bytes) noexcept { threshold_ = threshold_bytes; }
  /// Encrypts every frame from now on.
  void set_keys(const DirectionKeys& keys);

  /// Appends one frame. `flags` are Priority and Idempotent only.
  void write(SendBatch& out, std::uint16_t flags, std::int64_t unix_ns,
             const EnvelopePieces& envelope);

  std::uint64_t frames() const noexcept { return next_message_id_ - 1; }
  std::uint64_t frames_compressed() const noexcept { return frames_compressed_; }

 private:
  bool try_compress(const EnvelopePieces& envelope);
  void write_plain(SendBatch& out, const FrameHeader& header, const EnvelopePieces& envelope);
  void write_encrypted(SendBatch& out, FrameHeader header, const EnvelopePieces& envelope);

  std::uint64_t next_message_id_ = 1;
  std::uint64_t frames_compressed_ = 0;
  std::uint32_t threshold_ = 0;
  std::unique_ptr<FrameCipher> cipher_;
  Bytes gathered_;    // scratch
  Bytes compressed_;  // scratch
};

}  // namespace grey::protocol
