#include "apps/greyctl/core/dev_report.h"

#include "apps/greyctl/core/json.h"
#include "apps/greyctl/core/table.h"
#include "apps/greyctl/core/text.h"

namespace grey::ctl {

namespace {

std::string text_of(const DevReport& report, const std::string& export_line) {
  Table table({{"NODE", Align::right}, {"ENDPOINT"}, {"PID", Align::right}, {"DATA"}, {"LOG"}});
  for (const DevNode& node : report.nodes) {
    table.add({std::to_string(node.id), node.endpoint, std::to_string(node.pid), node.data_dir,
               node.log});
  }
  const std::string fate = report.temporary
                               ? "The data is removed at the end."
                               : "The data is kept for the next run; to remove it: rm -r " +
                                     shell_quote(report.directory);
  return "cluster " + report.cluster_id + " runs\n\n" + table.to_string() +
         "\nIn another terminal:\n  " + export_line + "\n  greyctl status\n\nCtrl-C stops it. " +
         fate + "\n";
}

Json json_of(const DevReport& report) {
  Json nodes = Json::array();
  for (const DevNode& node : report.nodes) {
    nodes.push_back({{"id", node.id},
                     {"endpoint", node.endpoint},
                     {"pid", node.pid},
                     {"data_dir", node.data_dir},
                     {"log", node.log}});
  }
  return {{"cluster_id", report.cluster_id},
          {"directory", report.directory},
          {"temporary", report.temporary},
          {"endpoints", report.endpoints},
          {"nodes", nodes}};
}

}  // namespace

std::string print_dev(const DevReport& report, OutputFormat format) {
  if (is_json(format)) return dump(json_of(report), format);
  const std::string export_line = "export GREY_ENDPOINTS=" + report.endpoints;
  return format == OutputFormat::raw ? export_line + "\n" : text_of(report, export_line);
}

}  // namespace grey::ctl
