// greyd: one node of a Grey cluster.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "apps/greyd/daemon.h"

namespace {

using grey::cluster::ConfigOverrides;
using grey::cluster::NodeConfig;

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

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"greyd: one node of a Grey cluster"};
  app.footer(footer);
  app.require_subcommand(1);
  std::string config_path;
  ConfigOverrides overrides;
  const auto add = [&](const char* name, const char* text) {
    CLI::App* command = app.add_subcommand(name, text);
    command->add_option("-c,--config", config_path, "the cluster's configuration file (YAML)")
        ->envname("GREY_CONFIG")
        ->required();
    command->add_option("--node", overrides.node, "which node of the file this is")
        ->envname("GREY_NODE");
    command->add_option("--data-dir", overrides.data_dir, "where the node keeps its data")
        ->envname("GREY_DATA_DIR");
    command->add_option("--listen", overrides.listen, "host:port; default: the node's endpoint")
        ->envname("GREY_LISTEN");
    command->add_option("--transport", overrides.transport, "auto, io_uring or asio")
        ->envname("GREY_TRANSPORT");
    command->add_option("--log-level", overrides.log_level, "trace, debug, info, warn or error")
        ->envname("GREY_LOG_LEVEL");
    return command;
  };
  CLI::App* init = add("init", "Give an empty data directory its identity");
  CLI::App* run = add("run", "Run the node until SIGTERM or SIGINT");
  add("check", "Check the configuration and say nothing if it is sound");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 1;
  }

  const auto text = grey::greyd::read_text_file(config_path);
  if (!text) return report(std::unexpected(text.error()));
  auto config = grey::cluster::parse_node_config(*text, config_path, overrides);
  if (!config) return report(std::unexpected(config.error()));
  if (init->parsed()) return report(grey::greyd::initialise(*config));
  if (run->parsed()) return exit_status(grey::greyd::run(*std::move(config)));
  return 0;
}
