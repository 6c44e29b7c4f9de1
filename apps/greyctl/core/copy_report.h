// What import, export and verify tell at their end. Pure.
#pragma once
#include <string>
#include <vector>

#include "apps/greyctl/core/exit_code.h"
#include "apps/greyctl/core/output_format.h"
#include "apps/tree_copy/report.h"

namespace grey::ctl {

struct CopyReport {
  std::string command;  // "import"
  std::string directory;
  std::string prefix = {};
  std::uint64_t files_expected = 0;
  tree_copy::Report done = {};
  std::vector<std::string> left_out = {};  // "path: why", of what an import cannot store
  std::vector<std::string> missing = {};   // in the cluster by its manifest, not in the directory
};

/// 0 only if every file was copied and is what it should be; 8 if a write's outcome is unknown;
/// else
/// 9. What an import leaves out (links to directories, sockets) is told and is no failure.
ExitCode exit_code_of(const CopyReport& report);

/// raw is treated as table.
std::string print_copy(const CopyReport& report, OutputFormat format);

}  // namespace grey::ctl
