#include "protocol/payload_opener.h"

#include "protocol/compression.h"

namespace grey::protocol {
namespace {
// Between frames each buffer keeps at most this much memory.
constexpr std::size_t idle_capacity_max = 64 << 10;

void trim(Bytes& bytes) {
  if (bytes.capacity() > idle_capacity_max) Bytes().swap(bytes);
}
}  // namespace

void PayloadOpener::set_keys(const DirectionKeys& keys) {
  cipher_ = std::make_unique<FrameCipher>(keys, FrameCipher::Direction::open);
}

ErrorCode PayloadOpener::open(ByteView frame, std::size_t envelope_bytes_max, ByteView& envelope) {
  trim(plain_);
  trim(raw_);
  const FrameHeader header = decode_header(frame.data());
  ByteView payload = frame.substr(header_bytes, header.payload_bytes);
  if ((header.flags & flag::encrypted) != 0) {
    if (const ErrorCode bad = decrypt(header, frame, payload); bad != ErrorCode::ok) return bad;
  }
  if ((header.flags & flag::compressed) != 0) {
    const ErrorCode bad = decompress(payload, envelope_bytes_max, raw_);
    if (bad != ErrorCode::ok) return bad;
    payload = raw_;
  }
  envelope = payload;
  return ErrorCode::ok;
}

ErrorCode PayloadOpener::decrypt(const FrameHeader& header, ByteView frame, ByteView& payload) {
  if (!cipher_ || payload.size() < tag_bytes) return ErrorCode::decryption_failed;
  const ByteView sealed = payload.substr(0, payload.size() - tag_bytes);
  resize_for_overwrite(plain_, sealed.size());
  cipher_->begin(header.message_id, frame.substr(0, header_bytes));
  cipher_->update(sealed, plain_.data());
  if (!cipher_->finish_open(payload.substr(sealed.size()))) return ErrorCode::decryption_failed;
  payload = plain_;
  return ErrorCode::ok;
}

}  // namespace grey::protocol
