// What every command works with: the settings, a client made of them, and the two streams.
#pragma once
#include <boost/system/error_code.hpp>
#include <memory>
#include <string>
#include <vector>

#include <grey/sync_client.h>

#include "apps/greyctl/core/data_report.h"
#include "apps/greyctl/core/exit_code.h"
#include "apps/greyctl/core/output_format.h"
#include "apps/greyctl/core/problem.h"
#include "apps/greyctl/core/settings.h"
#include "base/error.h"

namespace grey::ctl {

class Context {
 public:
  /// `flags`: the global flags as they were given, for commands that advice names.
  Context(Settings settings, std::vector<std::string> flags)
      : settings_(std::move(settings)), flags_(std::move(flags)) {}

  const Settings& settings() const noexcept { return settings_; }
  OutputFormat format() const { return settings_.output.value_or(OutputFormat::table); }

  /// Starts to connect; says nothing yet about whether anybody answers. Fails with config errors
  /// and file_error.
  Result<std::unique_ptr<SyncClient>> connect() const;

  /// For explain(): all that does not depend on how the operation went.
  Situation situation(std::string operation, std::string key = {}) const;

  /// Prints to stderr; returns the exit code.
  ExitCode report(const Problem& problem) const;
  ExitCode report(const Error& error) const { return report(problem_of(error)); }
  /// Prints to the streams; `code`, or usage if stdout does not take it.
  ExitCode print(const Printed& printed, ExitCode code = ExitCode::ok) const;

 private:
  Settings settings_;
  std::vector<std::string> flags_;
};

/// The table's code of a client's error.
ErrorCode code_of(const boost::system::error_code& error) noexcept;

}  // namespace grey::ctl
