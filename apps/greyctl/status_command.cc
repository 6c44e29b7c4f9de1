// status: what every node of the topology says of itself.
#include <future>
#include <vector>

#include "apps/greyctl/commands.h"
#include "apps/greyctl/core/cluster_report.h"

namespace grey::ctl {

namespace {

using boost::system::error_code;

// A frozen node accepts connections and says nothing.
constexpr std::chrono::milliseconds node_timeout_max{3'000};

struct Answer {
  error_code error;
  StatusResult result;
};

std::future<Answer> ask(SyncClient& client, std::uint32_t node, std::chrono::milliseconds timeout) {
  std::promise<Answer> promise;
  auto future = promise.get_future();
  client.async().async_status(
      node, {.timeout = timeout},
      [promise = std::move(promise)](error_code error, StatusResult result) mutable {
        promise.set_value({error, std::move(result)});
      });
  return future;
}

NodeReport report_of(const NodeView& node, Answer answer) {
  NodeReport row{.node = node, .answered = !answer.error};
  if (row.answered) {
    row.document = decode_document(answer.result.document);
  } else {
    row.error = answer.error.message();
    if (!answer.result.detail.empty()) row.error += " (" + answer.result.detail + ")";
  }
  return row;
}

ExitCode run_status(const Context& context) {
  const auto client = context.connect();
  if (!client) return context.report(client.error());
  error_code error;
  ClusterReport report;
  report.cluster = (*client)->cluster(error);
  if (error) {
    return context.report(
        explain(code_of(error), report.cluster.detail, context.situation("status")));
  }
  const auto timeout = std::min(context.settings().timeout, node_timeout_max);
  std::vector<std::future<Answer>> answers;
  for (const NodeView& node : report.cluster.nodes) {
    answers.push_back(ask(**client, node.id, timeout));
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    report.nodes.push_back(report_of(report.cluster.nodes[i], answers[i].get()));
  }
  return context.print({.out = print_cluster(report, context.format())},
                       report.troubles().empty() ? ExitCode::ok : ExitCode::degraded);
}

}  // namespace

void add_status_command(CLI::App& app, Run& chosen) {
  CLI::App* command = app.add_subcommand("status", "Show the cluster, node by node");
  command->footer(R"(Examples:
  greyctl status
  greyctl status -o json | jq '.nodes[].status.counters'
  greyctl status -o ndjson            a line for each node
Exit status 9: a node is unreachable or does not serve, or nodes do not see each other.)");
  command->callback([&] { chosen = run_status; });
}

}  // namespace grey::ctl
