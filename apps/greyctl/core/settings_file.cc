#include <yaml-cpp/yaml.h>

#include "apps/greyctl/core/settings.h"

namespace grey::ctl {

namespace {

std::string place(const std::string& name, const YAML::Mark& mark) {
  return mark.is_null() ? name : name + ":" + std::to_string(mark.line + 1);
}

const SettingName* find_key(const std::string& key) {
  for (const SettingName& name : setting_names()) {
    if (key == name.key) return &name;
  }
  return nullptr;
}

std::string known_keys() {
  std::string out;
  for (const SettingName& name : setting_names())
    out += (out.empty() ? "" : ", ") + std::string(name.key);
  return out;
}

// A list of endpoints is written as the flag takes it.
Result<std::string> text_of(const YAML::Node& value, bool may_be_list, const std::string& where) {
  if (value.IsScalar()) return value.Scalar();
  if (!may_be_list || !value.IsSequence()) {
    return fail(ErrorCode::config_bad_value, where + ": expected a text");
  }
  std::string out;
  for (const YAML::Node& item : value) {
    if (!item.IsScalar()) return fail(ErrorCode::config_bad_value, where + ": expected texts");
    out += (out.empty() ? "" : ",") + item.Scalar();
  }
  return out;
}

Result<Layer> read_map(const YAML::Node& root, const std::string& name) {
  Layer layer;
  if (root.IsNull()) return layer;  // an empty file
  if (!root.IsMap()) {
    return fail(ErrorCode::config_bad_value,
                place(name, root.Mark()) + ": expected 'key: value' lines");
  }
  for (const auto& entry : root) {
    const std::string where = place(name, entry.first.Mark());
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "?";
    const SettingName* known = find_key(key);
    if (known == nullptr) {
      return fail(ErrorCode::config_unknown_key,
                  where + ": '" + key + "'; known are: " + known_keys());
    }
    auto text = text_of(entry.second, known->setting == Setting::endpoints, where);
    if (!text) return std::unexpected(std::move(text.error()));
    layer[known->setting] = {*std::move(text), where};
  }
  return layer;
}

}  // namespace

Result<Layer> settings_of_file(const std::string& text, const std::string& name) {
  try {
    return read_map(YAML::Load(text), name);
  } catch (const YAML::Exception& error) {
    return fail(ErrorCode::config_syntax, place(name, error.mark) + ": " + error.msg);
  }
}

}  // namespace grey::ctl
