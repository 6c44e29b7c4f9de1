// Where greyctl's settings come from: each from the first that gives it of command line,
// environment, configuration file and default. Pure: the environment is a function, the file a
// text.
#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/greyctl/core/output_format.h"
#include "base/error.h"

namespace grey::ctl {

enum class Setting : unsigned char { endpoints, tenant, cluster_id, secret_file, timeout, output };

struct SettingName {
  Setting setting;
  const char* flag;         // "--endpoints"
  const char* environment;  // "GREY_ENDPOINTS"
  const char* key;          // "endpoints", in the file
};
std::span<const SettingName> setting_names() noexcept;

/// A setting's text and who gave it ("--timeout", "GREY_TIMEOUT", "greyctl.yaml:3").
struct Given {
  std::string text;
  std::string where;
};
using Layer = std::map<Setting, Given>;

struct Settings {
  std::vector<std::string> endpoints;  // each "host:port"
  std::string tenant;
  std::string cluster_id;   // empty: any
  std::string secret_file;  // empty: no secret
  std::chrono::milliseconds timeout{};
  std::optional<OutputFormat> output;  // none: the command's default
};

/// Those variables that are set and not empty.
Layer settings_of_environment(
    const std::function<std::optional<std::string>(const char* name)>& lookup);

/// A YAML map; `endpoints` may be a list. `name` stands for the file in errors. Fails with
/// config_syntax, config_unknown_key and config_bad_value, each with its line.
Result<Layer> settings_of_file(const std::string& text, const std::string& name);

/// Of each setting the first that is given, checked. Fails with config_bad_value.
Result<Settings> settle(std::span<const Layer> layers);

}  // namespace grey::ctl
