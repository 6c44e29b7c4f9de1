#include "apps/greyctl/core/json.h"

#include "apps/greyctl/core/text.h"

namespace grey::ctl {

void put_bytes(Json& out, const std::string& name, const std::string& bytes) {
  if (is_utf8(bytes)) {
    out[name] = bytes;
  } else {
    out[name + "_base64"] = to_base64(bytes);
  }
}

std::string dump(const Json& document, OutputFormat format) {
  const int indent = format == OutputFormat::ndjson ? -1 : 2;
  return document.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace grey::ctl
