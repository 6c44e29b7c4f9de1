#include "protocol/crypto.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <climits>
#include <cstring>
#include <string_view>

#include "base/check.h"
#include "base/endian.h"

namespace grey::protocol {
namespace {

using Digest = std::array<unsigned char, 32>;

const unsigned char* as_unsigned(const char* p) {
  return reinterpret_cast<const unsigned char*>(p);
}
unsigned char* as_unsigned(char* p) { return reinterpret_cast<unsigned char*>(p); }

// SHA-256 of the two handshake frames, one after the other.
Digest transcript_hash(ByteView hello, ByteView hello_ack) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> hash(EVP_MD_CTX_new(),
                                                                     EVP_MD_CTX_free);
  Digest digest;
  unsigned int size = 0;
  GREY_CHECK(hash && EVP_DigestInit_ex(hash.get(), EVP_sha256(), nullptr) == 1);
  GREY_CHECK(EVP_DigestUpdate(hash.get(), hello.data(), hello.size()) == 1);
  GREY_CHECK(EVP_DigestUpdate(hash.get(), hello_ack.data(), hello_ack.size()) == 1);
  GREY_CHECK(EVP_DigestFinal_ex(hash.get(), digest.data(), &size) == 1 && size == digest.size());
  return digest;
}

DirectionKeys expand(ByteView secret, const Digest& salt, std::string_view label) {
  const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(
      EVP_KDF_fetch(nullptr, "HKDF", nullptr), EVP_KDF_free);
  GREY_CHECK(kdf != nullptr);
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(
      EVP_KDF_CTX_new(kdf.get()), EVP_KDF_CTX_free);
  GREY_CHECK(context != nullptr);
  char digest_name[] = "SHA256";
  OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest_name, 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<char*>(secret.data()),
                                        secret.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
                                        const_cast<unsigned char*>(salt.data()), salt.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, const_cast<char*>(label.data()),
                                        label.size()),
      OSSL_PARAM_construct_end()};
  DirectionKeys keys;
  unsigned char material[sizeof keys.key + sizeof keys.nonce_base];
  GREY_CHECK(EVP_KDF_derive(context.get(), material, sizeof material, parameters) == 1);
  std::memcpy(keys.key.data(), material, keys.key.size());
  std::memcpy(keys.nonce_base.data(), material + keys.key.size(), keys.nonce_base.size());
  return keys;
}

}  // namespace

SessionKeys derive_keys(ByteView secret, ByteView hello_frame, ByteView hello_ack_frame) {
  const Digest salt = transcript_hash(hello_frame, hello_ack_frame);
  return {.initiator = expand(secret, salt, "grey v2 initiator"),
          .acceptor = expand(secret, salt, "grey v2 acceptor")};
}

void FrameCipher::Free::operator()(evp_cipher_ctx_st* context) const noexcept {
  EVP_CIPHER_CTX_free(context);
}

FrameCipher::FrameCipher(const DirectionKeys& keys, Direction direction)
    : context_(EVP_CIPHER_CTX_new()), nonce_base_(keys.nonce_base) {
  GREY_CHECK(context_ != nullptr);
  GREY_CHECK(EVP_CipherInit_ex(context_.get(), EVP_aes_256_gcm(), nullptr, keys.key.data(),
                               nonce_base_.data(), direction == Direction::seal ? 1 : 0) == 1);
}

FrameCipher::~FrameCipher() = default;

void FrameCipher::begin(std::uint64_t message_id, ByteView header) {
  std::array<unsigned char, 12> nonce = nonce_base_;
  store_be(nonce.data() + 4, load_be<std::uint64_t>(nonce_base_.data() + 4) ^ message_id);
  int written = 0;
  // -1 keeps the direction.
  GREY_CHECK(EVP_CipherInit_ex(context_.get(), nullptr, nullptr, nullptr, nonce.data(), -1) == 1);
  GREY_CHECK(EVP_CipherUpdate(context_.get(), nullptr, &written, as_unsigned(header.data()),
                              static_cast<int>(header.size())) == 1);
}

char* FrameCipher::update(ByteView piece, char* to) {
  if (piece.empty()) return to;
  GREY_CHECK(piece.size() <= INT_MAX);
  int written = 0;
  GREY_CHECK(EVP_CipherUpdate(context_.get(), as_unsigned(to), &written, as_unsigned(piece.data()),
                              static_cast<int>(piece.size())) == 1);
  return to + written;
}

void FrameCipher::finish_seal(char* tag) {
  unsigned char none[16];
  int written = 0;
  GREY_CHECK(EVP_CipherFinal_ex(context_.get(), none, &written) == 1 && written == 0);
  GREY_CHECK(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, tag_bytes, tag) == 1);
}

bool FrameCipher::finish_open(ByteView tag) {
  GREY_CHECK(tag.size() == tag_bytes);
  unsigned char none[16];
  int written = 0;
  GREY_CHECK(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, tag_bytes,
                                 const_cast<char*>(tag.data())) == 1);
  return EVP_CipherFinal_ex(context_.get(), none, &written) == 1;
}

}  // namespace grey::protocol
