// What single operations on keys print. Pure: results in, text out.
#pragma once
#include <string>

#include <grey/types.h>

#include "apps/greyctl/core/output_format.h"

namespace grey::ctl {

/// The two streams of a command.
struct Printed {
  std::string out;
  std::string err = {};
};

/// raw: the value and nothing else. table: the value, escaped if a terminal could not show it, and
/// its version on stderr. json: key, value or value_base64, version.
Printed print_get(const std::string& key, const GetResult& got, OutputFormat format);

enum class WriteKind : unsigned char { put, remove, cas, cas_remove };

/// raw: the new version (nothing after a removal).
Printed print_write(const std::string& key, WriteKind kind, const WriteResult& written,
                    OutputFormat format);

/// raw: "applied", "not_applied" or "unknown".
Printed print_resolution(const std::string& key, Resolution resolution, OutputFormat format);

}  // namespace grey::ctl
