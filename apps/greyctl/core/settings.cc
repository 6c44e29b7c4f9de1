#include "apps/greyctl/core/settings.h"

#include <utility>

#include "apps/greyctl/core/duration.h"
#include "transport/stream.h"

namespace grey::ctl {

namespace {

constexpr SettingName names[] = {
    {Setting::endpoints, "--endpoints", "GREY_ENDPOINTS", "endpoints"},
    {Setting::tenant, "--tenant", "GREY_TENANT", "tenant"},
    {Setting::cluster_id, "--cluster-id", "GREY_CLUSTER_ID", "cluster_id"},
    {Setting::secret_file, "--secret-file", "GREY_SECRET_FILE", "secret_file"},
    {Setting::timeout, "--timeout", "GREY_TIMEOUT", "timeout"},
    {Setting::output, "--output", "GREY_OUTPUT", "output"},
};
constexpr std::size_t name_bytes_max = 64;

// What a cluster started by `greyctl dev` listens on.
const Layer& defaults() {
  static const Layer layer = {
      {Setting::endpoints, {"127.0.0.1:7400,127.0.0.1:7401,127.0.0.1:7402", "default"}},
      {Setting::tenant, {"default", "default"}},
      {Setting::timeout, {"10s", "default"}},
  };
  return layer;
}

auto bad(const Given& given, const std::string& what) {
  return fail(ErrorCode::config_bad_value, given.where + ": " + what);
}

Result<std::vector<std::string>> parse_endpoints(const Given& given) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from <= given.text.size();) {
    const std::size_t comma = std::min(given.text.find(',', from), given.text.size());
    std::string one = given.text.substr(from, comma - from);
    from = comma + 1;
    one.erase(0, one.find_first_not_of(' '));
    one.erase(one.find_last_not_of(' ') + 1);
    const auto endpoint = transport::Endpoint::parse(one);
    if (!endpoint) return bad(given, endpoint.error().detail);
    if (endpoint->port == 0) return bad(given, "'" + one + "': port 0 is no place to connect to");
    out.push_back(std::move(one));
  }
  return out;
}

Result<std::string> parse_name(const Given& given, const char* what) {
  if (given.text.empty() || given.text.size() > name_bytes_max) {
    return bad(given, std::string(what) + " has 1 to 64 bytes");
  }
  return given.text;
}

Result<std::optional<OutputFormat>> parse_output(const Given& given) {
  const auto format = parse_output_format(given.text);
  if (!format) return bad(given, "'" + given.text + "'; choose table, json, ndjson or raw");
  return format;
}

Result<std::chrono::milliseconds> parse_timeout(const Given& given) {
  auto duration = parse_duration(given.text);
  if (!duration) return bad(given, duration.error().detail);
  return duration;
}

Result<std::string> parse_path(const Given& given) {
  if (given.text.empty()) return bad(given, "the path is empty");
  return given.text;
}

}  // namespace

std::span<const SettingName> setting_names() noexcept { return names; }

Layer settings_of_environment(
    const std::function<std::optional<std::string>(const char* name)>& lookup) {
  Layer layer;
  for (const SettingName& name : names) {
    auto text = lookup(name.environment);
    if (text && !text->empty()) layer[name.setting] = {*std::move(text), name.environment};
  }
  return layer;
}

Result<Settings> settle(std::span<const Layer> layers) {
  Layer chosen;  // emplace() keeps what is there: the first wins
  for (const Layer& layer : layers) chosen.insert(layer.begin(), layer.end());
  chosen.insert(defaults().begin(), defaults().end());

  Settings settings;
  Error error;
  const auto take = [&](Setting setting, auto& out, auto&& parse) {
    const auto found = chosen.find(setting);
    if (found == chosen.end() || error) return;
    auto parsed = parse(found->second);
    if (parsed) {
      out = *std::move(parsed);
    } else {
      error = std::move(parsed.error());
    }
  };
  take(Setting::output, settings.output, parse_output);
  take(Setting::endpoints, settings.endpoints, parse_endpoints);
  take(Setting::tenant, settings.tenant, [](const Given& g) { return parse_name(g, "a tenant"); });
  take(Setting::cluster_id, settings.cluster_id,
       [](const Given& g) { return parse_name(g, "a cluster id"); });
  take(Setting::secret_file, settings.secret_file, parse_path);
  take(Setting::timeout, settings.timeout, parse_timeout);
  if (error) return std::unexpected(std::move(error));
  return settings;
}

}  // namespace grey::ctl
