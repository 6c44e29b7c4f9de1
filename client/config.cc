#include "client/config.h"

#include <openssl/rand.h>

#include "base/check.h"
#include "base/endian.h"

namespace grey::client {
namespace {

std::array<char, 32> random_bytes() {
  std::array<char, 32> bytes;
  // It fails only where the system has no entropy at all; nothing could be trusted then.
  GREY_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size()) == 1);
  return bytes;
}

Status check_durations(const Options& options) {
  for (const auto duration : {options.timeout, options.connect_wait, options.attempt_timeout,
                              options.write_attempt_timeout, options.ping_interval,
                              options.liveness_timeout, options.connect_timeout}) {
    if (duration.count() <= 0 || duration > std::chrono::hours(24)) {
      return fail(ErrorCode::config_bad_value, "durations lie between 1 ms and 24 h");
    }
  }
  return {};
}

protocol::SessionConfig session_template(const Options& options, const ClientId& id) {
  protocol::SessionConfig session;
  session.cluster_id = options.cluster_id;
  session.self = protocol::PeerRole::client;
  session.client_id = id;
  session.lane = protocol::Lane::data;
  for (protocol::LaneLimits& lane : session.lanes) {
    // Room for the envelope around the largest value.
    lane.message_bytes_max = protocol::limit::message_bytes + 4096;
  }
  if (!options.secret.empty()) {
    session.encryption = protocol::EncryptionMode::required;
    session.client_secret = options.secret;
  }
  return session;
}

}  // namespace

Result<Config> Config::make(const Options& options) {
  Config config;
  if (options.seeds.empty()) return fail(ErrorCode::config_missing, "no seeds: name some nodes");
  for (const std::string& seed : options.seeds) {
    auto endpoint = transport::Endpoint::parse(seed);
    if (!endpoint) return fail(ErrorCode::config_bad_value, "seed " + endpoint.error().detail);
    config.seeds.push_back(std::move(*endpoint));
  }
  if (options.tenant.empty() || options.tenant.size() > protocol::limit::tenant_bytes) {
    return fail(ErrorCode::config_bad_value, "a tenant has 1 to 64 bytes");
  }
  if (options.cluster_id.size() > protocol::limit::cluster_id_bytes) {
    return fail(ErrorCode::config_bad_value, "a cluster id has at most 64 bytes");
  }
  if (!options.secret.empty() && options.secret.size() < 16) {
    return fail(ErrorCode::config_bad_value, "a secret has at least 16 bytes");
  }
  if (options.operations_max == 0) {
    return fail(ErrorCode::config_bad_value, "operations_max is at least 1");
  }
  if (Status status = check_durations(options); !status) return std::unexpected(status.error());

  const auto random = random_bytes();
  config.client_id = {load_be<std::uint64_t>(random.data()),
                      load_be<std::uint64_t>(random.data() + 8)};
  config.seed = load_be<std::uint64_t>(random.data() + 16);
  config.tenant = options.tenant;
  config.timeout = options.timeout;
  config.operations_max = options.operations_max;
  config.flow.read_attempt = options.attempt_timeout;
  config.flow.resolve_attempt = options.attempt_timeout;
  config.flow.submit_attempt = options.write_attempt_timeout;
  config.flow.connect_wait = options.connect_wait;
  config.channel.session = session_template(options, config.client_id);
  config.channel.connection.ping_interval = options.ping_interval;
  config.channel.connection.liveness_timeout = options.liveness_timeout;
  config.channel.connect_timeout = options.connect_timeout;
  config.channel.backoff.cap = std::chrono::seconds(1);
  config.channel.random = random_bytes;
  return config;
}

}  // namespace grey::client
