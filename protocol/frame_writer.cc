#include "protocol/frame_writer.h"

#include <cstring>

#include "base/endian.h"
#include "base/hash.h"
#include "protocol/compression.h"

namespace grey::protocol {
namespace {
char* put(char* to, ByteView bytes) {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

void append_crc(SendBatch& out, std::uint32_t crc) { store_be(out.extend(crc_bytes), crc); }
}  // namespace

void FrameWriter::set_keys(const DirectionKeys& keys) {
  cipher_ = std::make_unique<FrameCipher>(keys, FrameCipher::Direction::seal);
}

void FrameWriter::write(SendBatch& out, std::uint16_t flags, std::int64_t unix_ns,
                        const EnvelopePieces& envelope) {
  FrameHeader header{.flags = flags,
                     .message_id = next_message_id_++,
                     .timestamp_ns = static_cast<std::uint64_t>(unix_ns),
                     .payload_bytes = static_cast<std::uint32_t>(envelope.size())};
  EnvelopePieces payload = envelope;
  if (threshold_ != 0 && envelope.size() >= threshold_ && try_compress(envelope)) {
    ++frames_compressed_;
    header.flags |= flag::compressed;
    header.payload_bytes = static_cast<std::uint32_t>(compressed_.size());
    payload = {.head = compressed_, .body = {}};
  }
  if (cipher_) {
    write_encrypted(out, header, payload);
  } else {
    write_plain(out, header, payload);
  }
}

bool FrameWriter::try_compress(const EnvelopePieces& envelope) {
  gathered_.clear();
  gathered_.append(envelope.head).append(envelope.body).append(envelope.value_view());
  return compress(gathered_, compressed_);
}

void FrameWriter::write_plain(SendBatch& out, const FrameHeader& header,
                              const EnvelopePieces& envelope) {
  const bool share = envelope.value_bytes >= SendBatch::share_threshold_bytes;
  const ByteView tail = share ? ByteView() : envelope.value_view();
  const std::size_t copied =
      header_bytes + envelope.head.size() + envelope.body.size() + tail.size();
  char* const begin = out.extend(share ? copied : copied + crc_bytes);
  encode_header(header, begin);
  put(put(put(begin + header_bytes, envelope.head), envelope.body), tail);
  const std::uint32_t crc = crc32(0, ByteView(begin, copied));
  if (!share) return store_be(begin + copied, crc);
  out.append_shared(*envelope.value, envelope.value_offset, envelope.value_bytes);
  append_crc(out, crc32(crc, envelope.value_view()));
}

void FrameWriter::write_encrypted(SendBatch& out, FrameHeader header,
                                  const EnvelopePieces& envelope) {
  header.flags |= flag::encrypted;
  header.payload_bytes += tag_bytes;
  const std::size_t covered = header_bytes + header.payload_bytes;
  char* const begin = out.extend(covered + crc_bytes);
  encode_header(header, begin);
  cipher_->begin(header.message_id, ByteView(begin, header_bytes));
  char* to = cipher_->update(envelope.head, begin + header_bytes);
  to = cipher_->update(envelope.body, to);
  to = cipher_->update(envelope.value_view(), to);
  cipher_->finish_seal(to);
  store_be(begin + covered, crc32(0, ByteView(begin, covered)));
}

}  // namespace grey::protocol
