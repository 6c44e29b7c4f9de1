#include "apps/greyctl/core/data_report.h"

#include "apps/greyctl/core/json.h"
#include "apps/greyctl/core/text.h"

namespace grey::ctl {

namespace {

Json about_key(const std::string& key) {
  Json out = Json::object();
  put_bytes(out, "key", key);
  return out;
}

Printed print_value_for_people(const GetResult& got) {
  Printed printed{.out = show_bytes_as_text(got.value, false)};
  if (!printed.out.ends_with('\n')) printed.out += '\n';
  if (!is_printable(got.value)) {
    printed.err = "binary, " + std::to_string(got.value.size()) +
                  " bytes, shown escaped; -o raw writes them as they are\n";
  }
  printed.err += "version " + got.version.to_string() + "\n";
  return printed;
}

}  // namespace

Printed print_get(const std::string& key, const GetResult& got, OutputFormat format) {
  if (format == OutputFormat::raw) return {.out = got.value};
  if (!is_json(format)) return print_value_for_people(got);
  Json document = about_key(key);
  put_bytes(document, "value", got.value);
  document["version"] = got.version.to_string();
  return {.out = dump(document, format)};
}

Printed print_write(const std::string& key, WriteKind kind, const WriteResult& written,
                    OutputFormat format) {
  const bool removes = kind == WriteKind::remove || kind == WriteKind::cas_remove;
  const std::string version = removes ? "" : written.version.to_string();
  if (is_json(format)) {
    Json document = about_key(key);
    document["outcome"] = "applied";
    document["version"] = removes ? Json(nullptr) : Json(version);
    return {.out = dump(document, format)};
  }
  if (format == OutputFormat::raw) return {.out = removes ? "" : version + "\n"};
  if (removes) return {.out = "applied: " + show_bytes_as_text(key, true) + " is absent\n"};
  return {.out = "applied: version " + version + "\n"};
}

Printed print_resolution(const std::string& key, Resolution resolution, OutputFormat format) {
  constexpr const char* names[] = {"applied", "not_applied", "unknown"};
  constexpr const char* sentences[] = {
      "applied: the write took effect", "not applied: it never will be, and is safe to repeat",
      "unknown: too few nodes could tell; ask again when more of them are up"};
  const auto index = static_cast<std::size_t>(resolution);
  if (is_json(format)) {
    Json document = about_key(key);
    document["outcome"] = names[index];
    return {.out = dump(document, format)};
  }
  return {.out = std::string(format == OutputFormat::raw ? names[index] : sentences[index]) + "\n"};
}

}  // namespace grey::ctl
