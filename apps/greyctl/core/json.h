// JSON as greyctl writes it: members in the order they are made, bytes that are no UTF-8 as base64
// under a name that says so. Dumping never fails.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "apps/greyctl/core/output_format.h"

namespace grey::ctl {

using Json = nlohmann::ordered_json;

/// out["name"] if the bytes are UTF-8, else out["name_base64"].
void put_bytes(Json& out, const std::string& name, const std::string& bytes);

/// With a line end; indented for `json`, on one line for `ndjson`.
std::string dump(const Json& document, OutputFormat format);

}  // namespace grey::ctl
