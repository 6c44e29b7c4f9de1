// grey-demo: three real nodes on this machine, a directory tree imported through the client
// library, one node killed on the way and restarted later, everything read back and compared.
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <grey/sync_client.h>

#include "apps/dev_cluster/dev_cluster.h"
#include "apps/tree_copy/progress.h"
#include "apps/tree_copy/tree_copy.h"
#include "base/clock.h"

namespace {

using namespace grey;
using tree_copy::Report;
using tree_copy::show;
using tree_copy::show_bytes;

constexpr std::uint32_t victim = 2;

constexpr const char* footer = R"(What it does:
  1. starts three greyd processes (io_uring where the kernel allows it, RocksDB, fsync before every
     acknowledgement) in a directory of its own
  2. imports DIRECTORY, path -> content
  3. kills node 2 with SIGKILL a third of the way in; restarts it at two thirds
  4. reads everything back at majority and compares SHA-256
Exit status 0 only if nothing was lost and no operation failed.)";

struct Fault {
  MonotonicTime killed{};
  MonotonicTime restarted{};
};

std::string beside(const char* program) {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / program /
          program)
      .string();
}

int give_up(const Error& error) {
  std::fprintf(stderr, "grey-demo: %s\n", error.message().c_str());
  return 9;
}

/// Imports the tree and, at a third and at two thirds of its bytes, kills and restarts a node.
Report import_with_fault(dev::DevCluster& cluster, SyncClient& client,
                         const tree_copy::SourceTree& tree, tree_copy::CopyOptions options,
                         Fault& fault) {
  const SystemClock clock;
  tree_copy::ProgressBar bar("import", tree.files.size(), tree.bytes);
  options.on_progress = [&](std::uint64_t files, std::uint64_t bytes) {
    bar.update(files, bytes);
    if (fault.killed == MonotonicTime() && bytes >= tree.bytes / 3) {
      fault.killed = clock.now();
      const Status killed = cluster.kill(victim);
      bar.say(killed ? "        node 2 killed with SIGKILL" : killed.error().message());
    }
    if (fault.restarted == MonotonicTime() && bytes >= tree.bytes / 3 * 2) {
      fault.restarted = clock.now();
      const Status started = cluster.start(victim);
      bar.say(started ? "        node 2 restarted" : started.error().message());
    }
  };
  return tree_copy::import_tree(client, tree, options);
}

Report verify(SyncClient& client, const tree_copy::SourceTree& tree,
              tree_copy::CopyOptions options) {
  tree_copy::ProgressBar bar("verify", tree.files.size(), tree.bytes);
  options.on_progress = [&](std::uint64_t files, std::uint64_t bytes) { bar.update(files, bytes); };
  return tree_copy::verify_tree(client, tree, options);
}

void print_report(const Report& puts, const Report& gets, const Fault& fault,
                  const tree_copy::SourceTree& tree) {
  const Duration during = puts.slowest(fault.killed, fault.restarted);
  std::printf("\n%-34s %12s %12s\n", "", "import (put)", "verify (get)");
  const auto row = [](const char* name, const std::string& a, const std::string& b) {
    std::printf("%-34s %12s %12s\n", name, a.c_str(), b.c_str());
  };
  const auto number = [](std::uint64_t n) { return std::to_string(n); };
  const auto rate = [](const Report& r) {
    const double s = std::chrono::duration<double>(r.took).count();
    return s > 0 ? std::to_string(static_cast<std::uint64_t>(static_cast<double>(r.operations) / s))
                 : "-";
  };
  row("files", number(puts.files), number(gets.files));
  row("bytes", show_bytes(puts.bytes), show_bytes(gets.bytes));
  row("operations", number(puts.operations), number(gets.operations));
  row("errors", number(puts.errors), number(gets.errors));
  row("unknown outcomes", number(puts.unknowns), number(gets.unknowns));
  row("mismatches", "-", number(gets.mismatches));
  row("took", show(puts.took), show(gets.took));
  row("operations per second", rate(puts), rate(gets));
  row("p50", show(puts.percentile(0.5)), show(gets.percentile(0.5)));
  row("p99", show(puts.percentile(0.99)), show(gets.percentile(0.99)));
  row("slowest", show(puts.slowest()), show(gets.slowest()));
  row("slowest while node 2 was down", show(during), "-");
  for (const std::string& failure : puts.failures) std::printf("failed put: %s\n", failure.c_str());
  for (const std::string& failure : gets.failures) std::printf("failed get: %s\n", failure.c_str());
  if (!tree.skipped.empty()) {
    std::printf("left out: %zu entries (such as %s)\n", tree.skipped.size(),
                tree.skipped.front().c_str());
  }
}

int run(const std::string& source, dev::DevClusterOptions options, std::size_t concurrency) {
  const auto tree = tree_copy::scan_tree(source);
  if (!tree) return give_up(tree.error());
  auto cluster = dev::DevCluster::make(std::move(options));
  if (!cluster) return give_up(cluster.error());
  if (const Status started = cluster->start_all(); !started) return give_up(started.error());
  std::printf("three nodes run:\n");
  for (const auto& node : cluster->nodes()) {
    std::printf("  node %u  127.0.0.1:%u  pid %d\n", node.id, node.port, node.pid);
  }
  std::printf("%zu files, %s in %s\n", tree->files.size(), show_bytes(tree->bytes).c_str(),
              source.c_str());
  std::fflush(stdout);

  Options client_options;
  for (const auto& node : cluster->nodes()) {
    client_options.seeds.push_back("127.0.0.1:" + std::to_string(node.port));
  }
  client_options.tenant = "demo";
  client_options.timeout = std::chrono::seconds(30);
  SyncClient client(std::move(client_options));
  const tree_copy::CopyOptions copy{.prefix = "", .concurrency = concurrency};
  Fault fault;
  const Report puts = import_with_fault(*cluster, client, *tree, copy, fault);
  const Report gets = puts.gave_up ? Report() : verify(client, *tree, copy);
  print_report(puts, gets, fault, *tree);

  const bool struck = fault.killed != MonotonicTime() && fault.restarted != MonotonicTime();
  if (!struck && !puts.gave_up) std::printf("the tree is too small for the fault to strike\n");
  const std::uint64_t failed = puts.errors + gets.errors;
  std::printf(
      "demo: %llu files, %llu bytes, %llu mismatches, %llu failed operations\n",
      static_cast<unsigned long long>(gets.files), static_cast<unsigned long long>(gets.bytes),
      static_cast<unsigned long long>(gets.mismatches), static_cast<unsigned long long>(failed));
  const bool whole = gets.files == tree->files.size() && puts.files == tree->files.size();
  return struck && whole && failed == 0 && gets.mismatches == 0 ? 0 : 10;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"grey-demo: a cluster, a directory tree, a killed node, and nothing lost"};
  app.footer(footer);
  std::string source = "/usr/include";
  std::string directory;
  std::size_t concurrency = 32;
  dev::DevClusterOptions options;
  options.greyd = beside("greyd");
  options.extra_config = "limits: {value_bytes: 16777216}\n";
  app.add_option("source", source, "the directory to import")->capture_default_str();
  app.add_option("--data-dir", directory,
                 "keep the cluster's data here (default: a temporary one)");
  app.add_option("--greyd", options.greyd, "the node program")->capture_default_str();
  app.add_option("--transport", options.transport, "auto, io_uring or asio")
      ->envname("GREY_TRANSPORT")
      ->capture_default_str();
  app.add_option("--concurrency", concurrency, "operations under way")->capture_default_str();
  CLI11_PARSE(app, argc, argv);

  const bool temporary = directory.empty();
  if (temporary) {
    std::string pattern = std::filesystem::temp_directory_path().string() + "/grey-demo-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) {
      return give_up({ErrorCode::file_error, "no temporary directory"});
    }
    directory = pattern;
  }
  options.directory = directory;
  const int status = run(source, std::move(options), concurrency);
  if (temporary && status == 0) {
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  } else {
    std::printf("data and logs are in %s\n", directory.c_str());
  }
  return status;
}
