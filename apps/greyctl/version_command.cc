#include "apps/greyctl/commands.h"
#include "apps/greyctl/core/json.h"

namespace grey::ctl {

namespace {

constexpr const char* version = GREY_VERSION;
constexpr int protocol_version = 2;

ExitCode run_version(const Context& context) {
  const OutputFormat format = context.format();
  if (is_json(format)) {
    return context.print(
        {.out = dump({{"version", version}, {"protocol", protocol_version}}, format)});
  }
  if (format == OutputFormat::raw) return context.print({.out = std::string(version) + "\n"});
  return context.print({.out = std::string("greyctl ") + version + ", Grey Protocol " +
                               std::to_string(protocol_version) + "\n"});
}

}  // namespace

void add_version_command(CLI::App& app, Run& chosen) {
  app.add_subcommand("version", "Say which greyctl this is")->callback([&] {
    chosen = run_version;
  });
}

}  // namespace grey::ctl
