// Undoes what FrameWriter did to a payload: decrypts and decompresses into buffers of its own, or
// hands out the payload in place when there is nothing to undo.
#pragma once
#include <memory>

#include "base/bytes.h"
#include "base/error.h"
#include "protocol/crypto.h"
#include "protocol/wire.h"

namespace grey::protocol {

class PayloadOpener {
 public:
  void set_keys(const DirectionKeys& keys);
  /// The envelope of a frame that passed FrameReader, valid until the next call; or
  /// decryption_failed, decompression_failed, decompressed_too_large. `envelope_bytes_max` bounds
  /// it.
  ErrorCode open(ByteView frame, std::size_t envelope_bytes_max, ByteView& envelope);

 private:
  ErrorCode decrypt(const FrameHeader& header, ByteView frame, ByteView& payload);

  std::unique_ptr<FrameCipher> cipher_;
  Bytes plain_;
  Bytes raw_;
};

}  // namespace grey::protocol
