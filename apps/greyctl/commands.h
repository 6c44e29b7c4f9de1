// The commands. Each add_… declares its commands to the parser; the one that was typed leaves in
// `chosen` what is to be run when everything has been parsed.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>

#include "apps/greyctl/context.h"

namespace grey::ctl {

using Run = std::function<ExitCode(const Context&)>;

void add_data_commands(CLI::App& app, Run& chosen);    // get, put, delete, cas, resolve
void add_status_command(CLI::App& app, Run& chosen);   // status
void add_tree_commands(CLI::App& app, Run& chosen);    // import, export, verify
void add_dev_command(CLI::App& app, Run& chosen);      // dev
void add_version_command(CLI::App& app, Run& chosen);  // version

}  // namespace grey::ctl
