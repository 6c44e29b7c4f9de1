#include "apps/greyctl/core/copy_report.h"

#include "apps/greyctl/core/json.h"
#include "apps/greyctl/core/table.h"
#include "apps/greyctl/core/text.h"

namespace grey::ctl {

namespace {

constexpr std::size_t listed_max = 20;

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

std::uint64_t per_second(std::uint64_t count, Duration took) {
  const double s = seconds(took);
  return s > 0 ? static_cast<std::uint64_t>(static_cast<double>(count) / s) : 0;
}

void list(std::string& out, const char* title, const std::vector<std::string>& lines) {
  for (std::size_t i = 0; i < lines.size() && i < listed_max; ++i) {
    out += std::string(title) + show_bytes_as_text(lines[i], true) + "\n";
  }
  if (lines.size() > listed_max) {
    out += std::string(title) + "and " + std::to_string(lines.size() - listed_max) + " more\n";
  }
}

std::string text_of(const CopyReport& report) {
  using tree_copy::show;
  using tree_copy::show_bytes;
  const tree_copy::Report& done = report.done;
  const auto number = [](std::uint64_t n) { return std::to_string(n); };
  Table table({{report.command}, {"", Align::right}});
  table.add({"files", number(done.files) + " of " + number(report.files_expected)});
  table.add({"bytes", show_bytes(done.bytes)});
  table.add({"operations", number(done.operations)});
  table.add({"failed", number(done.errors)});
  table.add({"of these unknown outcomes", number(done.unknowns)});
  table.add({"mismatches", number(done.mismatches + report.missing.size())});
  table.add({"left out", number(report.left_out.size())});
  table.add({"took", show(done.took)});
  table.add({"files per second", number(per_second(done.files, done.took))});
  table.add({"bytes per second", show_bytes(per_second(done.bytes, done.took))});
  table.add({"p50", show(done.percentile(0.5))});
  table.add({"p99", show(done.percentile(0.99))});
  table.add({"slowest", show(done.slowest())});
  std::string out = table.to_string();
  list(out, "failed: ", done.failures);
  list(out, "not in the directory: ", report.missing);
  list(out, "left out: ", report.left_out);
  const std::string head = report.command + " of " + report.directory + ": ";
  return out + head +
         (exit_code_of(report) == ExitCode::ok ? "complete" : "INCOMPLETE, see above") + "\n";
}

Json json_of(const CopyReport& report) {
  const tree_copy::Report& done = report.done;
  return {{"command", report.command},
          {"directory", report.directory},
          {"prefix", report.prefix},
          {"complete", exit_code_of(report) == ExitCode::ok},
          {"files_expected", report.files_expected},
          {"files", done.files},
          {"bytes", done.bytes},
          {"operations", done.operations},
          {"errors", done.errors},
          {"unknown_outcomes", done.unknowns},
          {"mismatches", done.mismatches + report.missing.size()},
          {"took_s", seconds(done.took)},
          {"p50_ms", milliseconds(done.percentile(0.5))},
          {"p99_ms", milliseconds(done.percentile(0.99))},
          {"slowest_ms", milliseconds(done.slowest())},
          {"failures", done.failures},
          {"missing", report.missing},
          {"left_out", report.left_out}};
}

}  // namespace

ExitCode exit_code_of(const CopyReport& report) {
  if (report.done.unknowns > 0) return ExitCode::outcome_unknown;
  const bool whole = report.done.files == report.files_expected && report.missing.empty();
  return whole && report.done.clean() ? ExitCode::ok : ExitCode::degraded;
}

std::string print_copy(const CopyReport& report, OutputFormat format) {
  return is_json(format) ? dump(json_of(report), format) : text_of(report);
}

}  // namespace grey::ctl
