// greyd: one node of a Grey cluster.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "apps/greyd/daemon.h"

namespace {

using grey::cluster::ConfigOverrides;

constexpr const char* footer = R"(Examples:
  greyd init --config grey.yaml --node 1     give node 1's data directory its identity, once
  greyd run --config grey.yaml --node 1      run it until SIGTERM
  greyd check --config grey.yaml --node 1    say whether the configuration is sound

Each value comes from the first that gives it: flag, GREY_* variable, file, default.
Exit status: 0 ok, 1 wrong use or configuration, 9 the node failed.)";

int exit_status(const grey::Status& status) {
  if (status) return 0;
  const auto code = static_cast<int>(status.error().code);
  return code >= static_cast<int>(grey::ErrorCode::config_syntax) ? 1 : 9;
}

int report(const grey::Status& status) {
  if (!status) std::fprintf(stderr, "greyd: %s\n", status.error().message().c_str());
  return exit_status(status);
}

// What one subcommand is told. Each has its own: CLI11 reads the environment for all of them,
// chosen or not, and would write over what a flag of the chosen one has said.
struct Command {
  CLI::App* app = nullptr;
  std::string config_path = {};
  ConfigOverrides overrides = {};

  void add_to(CLI::App& program, const char* name, const char* text) {
    app = program.add_subcommand(name, text);
    app->add_option("-c,--config", config_path, "the cluster's configuration file (YAML)")
        ->envname("GREY_CONFIG")
        ->required();
    app->add_option("--node", overrides.node, "which node of the file this is")
        ->envname("GREY_NODE");
    app->add_option("--data-dir", overrides.data_dir, "where the node keeps its data")
        ->envname("GREY_DATA_DIR");
    app->add_option("--listen", overrides.listen, "host:port; default: the node's endpoint")
        ->envname("GREY_LISTEN");
    app->add_option("--transport", overrides.transport, "auto, io_uring or asio")
        ->envname("GREY_TRANSPORT");
    app->add_option("--log-level", overrides.log_level, "trace, debug, info, warn or error")
        ->envname("GREY_LOG_LEVEL");
  }
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"greyd: one node of a Grey cluster"};
  app.footer(footer);
  app.require_subcommand(1);
  Command init, run, check;
  init.add_to(app, "init", "Give an empty data directory its identity");
  run.add_to(app, "run", "Run the node until SIGTERM or SIGINT");
  check.add_to(app, "check", "Check the configuration and say nothing if it is sound");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 1;
  }

  const Command& chosen = init.app->parsed() ? init : run.app->parsed() ? run : check;
  const auto text = grey::greyd::read_text_file(chosen.config_path);
  if (!text) return report(std::unexpected(text.error()));
  auto config = grey::cluster::parse_node_config(*text, chosen.config_path, chosen.overrides);
  if (!config) return report(std::unexpected(config.error()));
  if (&chosen == &init) return report(grey::greyd::initialise(*config));
  if (&chosen == &run) return exit_status(grey::greyd::run(*std::move(config)));
  return 0;
}
