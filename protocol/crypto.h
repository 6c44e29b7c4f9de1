// Keys and authenticated encryption of frames: HKDF-SHA256 (RFC 5869) from a shared secret and the
// handshake's transcript, AES-256-GCM (NIST SP 800-38D) per frame. OpenSSL does the cryptography;
// this states how Grey uses it. Contexts are made once per connection and reused for every frame.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"

struct evp_cipher_ctx_st;

namespace grey::protocol {

inline constexpr std::size_t tag_bytes = 16;

/// Key material of one direction.
struct DirectionKeys {
  std::array<unsigned char, 32> key{};
  std::array<unsigned char, 12> nonce_base{};
};
struct SessionKeys {
  DirectionKeys initiator;  // for frames from initiator to acceptor
  DirectionKeys acceptor;
};

/// Both directions' keys. The frames are complete, from magic to checksum, as they were on the
/// wire.
SessionKeys derive_keys(ByteView secret, ByteView hello_frame, ByteView hello_ack_frame);

/// Encrypts or decrypts the frames of one direction. The nonce is the message id XORed into the
/// last eight bytes of the nonce base, so it never repeats under one key.
class FrameCipher {
 public:
  enum class Direction : std::uint8_t { seal, open };
  FrameCipher(const DirectionKeys& keys, Direction direction);
  ~FrameCipher();
  FrameCipher(const FrameCipher&) = delete;
  FrameCipher& operator=(const FrameCipher&) = delete;

  /// Begins a frame; `header` is authenticated with it.
  void begin(std::uint64_t message_id, ByteView header);
  /// Transforms the next piece into `to` (as many bytes) and returns the end.
  char* update(ByteView piece, char* to);
  /// Seal only: writes tag_bytes.
  void finish_seal(char* tag);
  /// Open only: false if anything was changed; what update() wrote must then not be used.
  [[nodiscard]] bool finish_open(ByteView tag);

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_cipher_ctx_st, Free> context_;
  std::array<unsigned char, 12> nonce_base_;
};

}  // namespace grey::protocol
