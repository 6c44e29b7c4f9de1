// greyctl: a Grey cluster from the command line, for people and for scripts.
#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apps/greyctl/commands.h"
#include "apps/greyctl/input.h"

namespace {

using namespace grey;
using namespace grey::ctl;

constexpr const char* examples = R"(Examples:
  greyctl dev                           a cluster of three nodes on this machine
  greyctl put cart/17 '3 apples'
  greyctl get cart/17
  greyctl status
  greyctl import photos --prefix photos/

Each setting comes from the first that gives it: flag, environment, configuration file, default.
`greyctl COMMAND --help` shows a command's own flags and examples.

)";

std::optional<std::string> environment(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? std::nullopt : std::optional<std::string>(text);
}

/// The global flags, as far as they were given.
struct GlobalFlags {
  std::map<Setting, std::string> texts;
  std::string config;

  Layer layer() const {
    Layer out;
    for (const SettingName& name : setting_names()) {
      if (const auto found = texts.find(name.setting); found != texts.end()) {
        out[name.setting] = {found->second, name.flag};
      }
    }
    return out;
  }
  std::vector<std::string> words() const {
    std::vector<std::string> out;
    if (!config.empty()) out = {"--config", config};
    for (const SettingName& name : setting_names()) {
      const auto found = texts.find(name.setting);
      if (found == texts.end() || name.setting == Setting::output) continue;
      out.emplace_back(name.flag);
      out.push_back(found->second);
    }
    return out;
  }
};

void add_global_flags(CLI::App& app, GlobalFlags& flags) {
  const auto add = [&](Setting setting, const char* names, const char* text) {
    app.add_option_function<std::string>(
           names, [&flags, setting](const std::string& given) { flags.texts[setting] = given; },
           text)
        ->group("Settings");
  };
  add(Setting::endpoints, "--endpoints",
      "host:port of some nodes, with commas between (GREY_ENDPOINTS; default: those of `greyctl "
      "dev`)");
  add(Setting::tenant, "--tenant", "whose keys (GREY_TENANT; default: default)");
  add(Setting::cluster_id, "--cluster-id",
      "refuse nodes of any other cluster (GREY_CLUSTER_ID; default: any)");
  add(Setting::secret_file, "--secret-file",
      "file with the clients' secret; encrypts (GREY_SECRET_FILE; default: none)");
  add(Setting::timeout, "--timeout",
      "of an operation: 500ms, 10s, 2m (GREY_TIMEOUT; default: 10s)");
  add(Setting::output, "-o,--output",
      "table, json, ndjson or raw (GREY_OUTPUT; default: table, of get in a pipe raw)");
  app.add_option("--config", flags.config,
                 "file of these settings (GREYCTL_CONFIG; default: ~/.config/grey/greyctl.yaml)")
      ->group("Settings");
}

/// The file that was named, or the one at the usual place if it is there.
Result<Layer> read_config(const std::string& flag) {
  std::string path = flag.empty() ? environment("GREYCTL_CONFIG").value_or("") : flag;
  if (path.empty()) {
    const std::string home = environment("HOME").value_or("");
    const std::string base = environment("XDG_CONFIG_HOME").value_or("");
    if (base.empty() && home.empty()) return Layer();
    path = (base.empty() ? home + "/.config" : base) + "/grey/greyctl.yaml";
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) return Layer();
  }
  const auto text = read_whole_file(path);
  if (!text) return std::unexpected(text.error());
  return settings_of_file(*text, path);
}

/// Errors that come before the settings are known speak the language that was asked for, if that is
/// clear.
Context early_context(const GlobalFlags& flags, int argc, char** argv) {
  Settings settings;
  std::string wanted = environment("GREY_OUTPUT").value_or("");
  if (const auto given = flags.texts.find(Setting::output); given != flags.texts.end()) {
    wanted = given->second;
  }
  for (int i = 1; i < argc; ++i) {  // the parser keeps nothing when it fails
    const std::string word = argv[i];
    if ((word == "-o" || word == "--output") && i + 1 < argc) wanted = argv[i + 1];
    if (word.starts_with("--output=")) wanted = word.substr(9);
    if (word.starts_with("-o") && word.size() > 2) wanted = word.substr(2);
    if (word == "--") break;
  }
  settings.output = parse_output_format(wanted);
  return {std::move(settings), {}};
}

ExitCode run(const GlobalFlags& flags, const Context& early, const Run& chosen) {
  const auto file = read_config(flags.config);
  if (!file) return early.report(file.error());
  const Layer layers[] = {flags.layer(), settings_of_environment(environment), *file};
  auto settings = settle(layers);
  if (!settings) return early.report(settings.error());
  return chosen(Context(*std::move(settings), flags.words()));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"greyctl: a Grey cluster from the command line", "greyctl"};
  app.footer(examples + exit_code_help());
  app.require_subcommand(1);
  app.fallthrough();
  app.get_formatter()->column_width(26);
  GlobalFlags flags;
  Run chosen;
  add_global_flags(app, flags);
  add_data_commands(app, chosen);
  add_status_command(app, chosen);
  add_tree_commands(app, chosen);
  add_dev_command(app, chosen);
  add_version_command(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    const Problem problem{.code = ErrorCode::usage,
                          .what = error.what(),
                          .advice =
                              "`greyctl --help` shows the commands, `greyctl COMMAND --help` "
                              "one of them."};
    return static_cast<int>(early_context(flags, argc, argv).report(problem));
  }
  return static_cast<int>(run(flags, early_context(flags, argc, argv), chosen));
}
