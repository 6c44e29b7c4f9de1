// import, export and verify: directory trees in and out of a cluster.
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <set>

#include "apps/greyctl/commands.h"
#include "apps/greyctl/core/copy_report.h"
#include "apps/greyctl/core/text.h"
#include "apps/tree_copy/progress.h"
#include "apps/tree_copy/tree_copy.h"

namespace grey::ctl {

namespace {

using boost::system::error_code;
using tree_copy::CopyOptions;
using tree_copy::ProgressBar;
using tree_copy::SourceTree;

struct Arguments {
  std::string directory;
  std::string prefix;
  std::size_t concurrency = 32;
  bool overwrite = false;
};

/// One tree's way: its options with a progress bar, for as long as this lives.
class Job {
 public:
  Job(const Context& context, const char* command, const Arguments& arguments,
      const SourceTree& tree)
      : options_{.prefix = arguments.prefix, .concurrency = arguments.concurrency},
        report_{.command = command,
                .directory = arguments.directory,
                .prefix = arguments.prefix,
                .files_expected = tree.files.size()} {
    // Who reads JSON gets nothing else, but for a person who watches at the same time.
    if (is_json(context.format()) && ::isatty(STDERR_FILENO) == 0) return;
    bar_.emplace(command, tree.files.size(), tree.bytes);
    options_.on_progress = [this](std::uint64_t files, std::uint64_t bytes) {
      bar_->update(files, bytes);
    };
  }

  const CopyOptions& options() const noexcept { return options_; }
  CopyReport& report() noexcept { return report_; }
  ExitCode finish(const Context& context) {
    if (bar_) bar_->finish();
    return context.print({.out = print_copy(report_, context.format())}, exit_code_of(report_));
  }

 private:
  CopyOptions options_;
  CopyReport report_;
  std::optional<ProgressBar> bar_;
};

/// With a client that has found its cluster, so that nobody waits for thousands of files to fail.
template <typename Body>
ExitCode with_cluster(const Context& context, const char* command, Body body) {
  const auto client = context.connect();
  if (!client) return context.report(client.error());
  error_code error;
  const ClusterView view = (*client)->cluster(error);
  if (error) {
    return context.report(explain(code_of(error), view.detail, context.situation(command)));
  }
  return body(**client);
}

ExitCode no_manifest(const Context& context, const char* command, const Arguments& arguments,
                     const Error& error) {
  if (error.code != ErrorCode::not_found) {
    return context.report(explain(error.code, error.detail, context.situation(command)));
  }
  return context.report(Problem{
      .code = ErrorCode::not_found,
      .what = "nothing was imported with the prefix '" +
              show_bytes_as_text(arguments.prefix, true) + "' by tenant '" +
              context.settings().tenant + "'",
      .advice = "An import stores a list of its files under its prefix; --prefix says which."});
}

ExitCode run_import(const Context& context, const Arguments& arguments) {
  auto tree = tree_copy::scan_tree(arguments.directory);
  if (!tree) return context.report(tree.error());
  return with_cluster(context, "import", [&](SyncClient& client) {
    Job job(context, "import", arguments, *tree);
    job.report().left_out = tree->skipped;
    job.report().done = tree_copy::import_tree(client, *tree, job.options());
    return job.finish(context);
  });
}

std::vector<std::string> missing_in(const SourceTree& tree, const SourceTree& manifest) {
  std::set<std::string_view> here;
  for (const auto& file : tree.files) here.insert(file.path);
  std::vector<std::string> out;
  for (const auto& file : manifest.files) {
    if (!here.contains(file.path)) out.push_back(file.path);
  }
  return out;
}

ExitCode run_verify(const Context& context, const Arguments& arguments) {
  auto tree = tree_copy::scan_tree(arguments.directory);
  if (!tree) return context.report(tree.error());
  return with_cluster(context, "verify", [&](SyncClient& client) {
    const auto manifest = tree_copy::read_manifest(client, {.prefix = arguments.prefix});
    if (!manifest) return no_manifest(context, "verify", arguments, manifest.error());
    Job job(context, "verify", arguments, *tree);
    job.report().left_out = tree->skipped;
    job.report().missing = missing_in(*tree, *manifest);
    job.report().done = tree_copy::verify_tree(client, *tree, job.options());
    return job.finish(context);
  });
}

/// An export never writes among files that it does not know, unless it is told to.
Status check_target(const Arguments& arguments) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::exists(arguments.directory, error)) return {};
  const bool directory = fs::is_directory(arguments.directory, error);
  if (!directory) return fail(ErrorCode::file_error, arguments.directory + " is no directory");
  if (arguments.overwrite || fs::is_empty(arguments.directory, error)) return {};
  return fail(ErrorCode::not_empty,
              arguments.directory + " is not empty; --overwrite writes over what is there");
}

ExitCode run_export(const Context& context, const Arguments& arguments) {
  if (const Status free = check_target(arguments); !free) return context.report(free.error());
  return with_cluster(context, "export", [&](SyncClient& client) {
    const auto manifest = tree_copy::read_manifest(client, {.prefix = arguments.prefix});
    if (!manifest) return no_manifest(context, "export", arguments, manifest.error());
    Job job(context, "export", arguments, *manifest);
    job.report().done =
        tree_copy::export_tree(client, *manifest, arguments.directory, job.options());
    return job.finish(context);
  });
}

using Operation = ExitCode (*)(const Context&, const Arguments&);

CLI::App* declare(CLI::App& app, Run& chosen, const char* name, const char* text, Operation run) {
  CLI::App* command = app.add_subcommand(name, text);
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("DIR", arguments->directory, "the directory")->required();
  command->add_option("--prefix", arguments->prefix, "in front of every key; one prefix, one tree");
  command->add_option("--concurrency", arguments->concurrency, "operations under way")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  if (run == run_export) {
    command->add_flag("--overwrite", arguments->overwrite,
                      "write into a directory that is not empty");
  }
  command->callback([&chosen, run, arguments] {
    chosen = [run, arguments](const Context& context) { return run(context, *arguments); };
  });
  return command;
}

}  // namespace

void add_tree_commands(CLI::App& app, Run& chosen) {
  declare(app, chosen, "import", "Store every file of a directory tree", run_import)
      ->footer(
          R"(Each file becomes a key: its path below DIR, behind the prefix. A list of the files with their
SHA-256 is stored beside them, for export and verify. Running it again stores everything again.

Example:
  greyctl import photos --prefix photos/
Exit status 9: some files were not stored; the report names them.)");
  declare(app, chosen, "export", "Write an imported tree into a directory", run_export)
      ->footer(R"(Every file is compared with the SHA-256 of its import before it is written.

Example:
  greyctl export restored --prefix photos/
Exit status 4: nothing was imported with this prefix; 9: some files are missing or damaged.)");
  declare(app, chosen, "verify", "Compare an imported tree with a directory", run_verify)
      ->footer(
          R"(Reads every file's key at majority and compares it with the file; changed, new and missing files
are differences.

Example:
  greyctl verify photos --prefix photos/
Exit status 4: nothing was imported with this prefix; 9: there are differences.)");
}

}  // namespace grey::ctl
