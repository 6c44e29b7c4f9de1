// How greyctl speaks: tables to people, JSON to programs, bytes as they are. One command's output
// is in one of these forms, never in two.
#pragma once
#include <optional>
#include <string_view>

namespace grey::ctl {

enum class OutputFormat : unsigned char {
  table,   // for people
  json,    // one document
  ndjson,  // one compact document on each line
  raw      // nothing but the value
};

inline std::optional<OutputFormat> parse_output_format(std::string_view text) {
  if (text == "table") return OutputFormat::table;
  if (text == "json") return OutputFormat::json;
  if (text == "ndjson") return OutputFormat::ndjson;
  if (text == "raw") return OutputFormat::raw;
  return {};
}

inline bool is_json(OutputFormat format) {
  return format == OutputFormat::json || format == OutputFormat::ndjson;
}

}  // namespace grey::ctl
