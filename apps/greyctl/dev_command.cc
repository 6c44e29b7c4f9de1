// dev: a cluster of real nodes on this machine, for as long as the command runs.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include "apps/dev_cluster/dev_cluster.h"
#include "apps/greyctl/commands.h"
#include "apps/greyctl/core/dev_report.h"
#include "apps/greyctl/core/json.h"
#include "apps/greyctl/dev_directory.h"

namespace grey::ctl {

namespace {

using dev::DevCluster;

struct Arguments {
  std::size_t nodes = 3;
  std::string data_dir = "./grey-dev";
  bool temporary = false;
  std::uint16_t first_port = 7400;
  std::string transport = "auto";
  std::string greyd;
};

/// Where it is installed beside this program, else where it is built.
std::string find_greyd() {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
  const fs::path beside = here / "greyd";
  return fs::is_regular_file(beside, error) ? beside : here.parent_path() / "greyd" / "greyd";
}

/// The signals that this waits for, blocked from here on, so that none is missed.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&set_, signal);
    ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  int wait() const {
    int signal = 0;
    while (::sigwait(&set_, &signal) != 0) continue;
    return signal;
  }
  /// True if one is there that asks for the end.
  bool end_is_asked() const {
    const timespec at_once{};
    for (int signal = 0; (signal = ::sigtimedwait(&set_, nullptr, &at_once)) > 0;) {
      if (signal != SIGCHLD) return true;
    }
    return false;
  }

 private:
  sigset_t set_;
};

/// What happens while it runs goes to stderr: stdout has the report, and nothing else.
class Events {
 public:
  explicit Events(OutputFormat format) : format_(format) {}
  void tell(const char* event, std::uint32_t node, const std::string& text,
            const std::string& log = {}) const {
    std::string line = text + (log.empty() ? "" : "\n  " + log) + "\n";
    if (is_json(format_)) {
      Json json = {{"event", event}, {"node", node}, {"message", text}};
      if (!log.empty()) json["log"] = log;
      line = dump(json, OutputFormat::ndjson);
    }
    std::fputs(line.c_str(), stderr);
  }

 private:
  OutputFormat format_;
};

const DevCluster::Node& node_of(const DevCluster& cluster, std::uint32_t id) {
  return cluster.nodes()[id - 1];
}

DevReport report_of(const DevCluster& cluster, const DevDirectory& directory,
                    const std::string& cluster_id) {
  DevReport report{.cluster_id = cluster_id,
                   .directory = directory.path(),
                   .endpoints = cluster.endpoints(),
                   .temporary = directory.is_temporary(),
                   .nodes = {}};
  for (const DevCluster::Node& node : cluster.nodes()) {
    report.nodes.push_back({node.id, "127.0.0.1:" + std::to_string(node.port), node.pid,
                            node.data_dir, node.log_file});
  }
  return report;
}

std::size_t running(const DevCluster& cluster) {
  std::size_t count = 0;
  for (const DevCluster::Node& node : cluster.nodes()) count += node.pid != 0 ? 1 : 0;
  return count;
}

/// Until somebody asks for the end, or no node is left.
ExitCode watch(DevCluster& cluster, const Signals& signals, const Events& events) {
  for (;;) {
    for (const std::uint32_t id : cluster.reap()) {
      events.tell("node_ended", id,
                  "node " + std::to_string(id) +
                      " ended unasked: " + node_of(cluster, id).last_end + "; " +
                      std::to_string(running(cluster)) + " still run. The end of its log:",
                  cluster.log_tail(id));
    }
    if (running(cluster) == 0) {
      events.tell("all_ended", 0, "no node is left");
      return ExitCode::degraded;
    }
    if (signals.wait() != SIGCHLD) return ExitCode::ok;
  }
}

/// One after the other, each with time to finish what it does; a second Ctrl-C ends them at once.
void stop(DevCluster& cluster, const Signals& signals, const Events& events) {
  for (const DevCluster::Node& node : cluster.nodes()) {
    if (node.pid == 0) continue;
    if (signals.end_is_asked()) {
      events.tell("killed", 0, "asked twice: the rest is killed");
      return;  // by the cluster's destructor
    }
    if (const Status ended = cluster.terminate(node.id); !ended) {
      events.tell("stop_failed", node.id, ended.error().message());
    } else {
      events.tell("stopped", node.id, "node " + std::to_string(node.id) + " stopped");
    }
  }
}

Problem start_problem(const Error& error, const Arguments& arguments) {
  Problem problem = problem_of(error);
  switch (error.code) {
    case ErrorCode::address_in_use:
      problem.code = ErrorCode::usage;
      problem.what = error.detail + " is in use";
      problem.advice =
          "Does another `greyctl dev` run? --first-port says where the ports begin; 0 "
          "takes free ones.";
      break;
    case ErrorCode::storage_locked:
      problem.code = ErrorCode::usage;
      problem.advice = "Stop it, or use another --data-dir, or --temporary.";
      break;
    case ErrorCode::file_error:
      if (::access(arguments.greyd.c_str(), X_OK) != 0) {
        problem.advice = "--greyd says where the node program is.";
      }
      break;
    default:
      break;
  }
  return problem;
}

ExitCode run_dev(const Context& context, Arguments arguments) {
  const Signals signals;
  const Events events(context.format());
  if (arguments.greyd.empty()) arguments.greyd = find_greyd();
  auto directory = arguments.temporary ? DevDirectory::make_temporary()
                                       : DevDirectory::open(arguments.data_dir, arguments.nodes);
  if (!directory) return context.report(start_problem(directory.error(), arguments));
  dev::DevClusterOptions options;
  options.greyd = arguments.greyd;
  options.directory = directory->path();
  options.nodes = arguments.nodes;
  options.first_port = arguments.first_port;
  options.transport = arguments.transport;
  if (!context.settings().cluster_id.empty()) options.cluster_id = context.settings().cluster_id;
  options.extra_config = "limits: {value_bytes: 16777216}\n";
  const std::string cluster_id = options.cluster_id;
  auto cluster = DevCluster::make(std::move(options));
  if (!cluster) return context.report(start_problem(cluster.error(), arguments));
  if (const Status started = cluster->start_all(); !started) {
    return context.report(start_problem(started.error(), arguments));
  }
  const ExitCode printed = context.print(
      {.out = print_dev(report_of(*cluster, *directory, cluster_id), context.format())});
  if (printed != ExitCode::ok) return printed;
  const ExitCode code = watch(*cluster, signals, events);
  stop(*cluster, signals, events);
  return code;
}

}  // namespace

void add_dev_command(CLI::App& app, Run& chosen) {
  CLI::App* command = app.add_subcommand("dev", "Run a cluster on this machine until Ctrl-C");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("--nodes", arguments->nodes, "how many nodes")
      ->check(CLI::Range(1, 15))
      ->capture_default_str();
  CLI::Option* data_dir =
      command->add_option("--data-dir", arguments->data_dir, "data, logs and configuration; kept")
          ->capture_default_str();
  command->add_flag("--temporary", arguments->temporary, "keep nothing")->excludes(data_dir);
  command->add_option("--first-port", arguments->first_port, "of node 1; 0: any free ones")
      ->capture_default_str();
  command->add_option("--transport", arguments->transport, "of the nodes (GREY_TRANSPORT)")
      ->check(CLI::IsMember({"auto", "io_uring", "asio"}))
      ->envname("GREY_TRANSPORT")
      ->capture_default_str();
  command->add_option("--greyd", arguments->greyd,
                      "the node program (default: the one that came with greyctl)");
  command->footer(R"(Examples:
  greyctl dev                        nodes at 127.0.0.1:7400, 7401 and 7402, where greyctl looks
  greyctl dev --temporary --first-port 0
  kill -9 PID                        of a node: see `greyctl status`, and that nothing stops
Values may have up to 16 MiB. With -o json the nodes are one document on stdout, and what happens
later is lines of JSON on stderr.
Exit status 0 after Ctrl-C or SIGTERM; 9 if a node did not start, or all have ended.)");
  command->callback([&chosen, arguments] {
    chosen = [arguments](const Context& context) { return run_dev(context, *arguments); };
  });
}

}  // namespace grey::ctl
