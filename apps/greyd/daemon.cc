#include "apps/greyd/daemon.h"

#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <sstream>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/random.h"
#include "cluster/node/node.h"
#include "storage/data_directory/data_directory.h"
#include "storage/rocksdb/rocksdb_engine.h"
#include "transport/select/make_transport.h"

namespace grey::greyd {

namespace {

constexpr const char* server_version = "0.1.0";
constexpr Duration drain_timeout = std::chrono::seconds(10);

storage::DirectoryOwner owner_of(const cluster::NodeConfig& config) {
  return {config.topology.cluster_id, config.node, "rocksdb",
          cluster::topology_hash(config.topology)};
}

storage::RocksDbOptions engine_options(const cluster::NodeConfig& config) {
  const auto split = flowcontrol::MemoryBudget::split(config.memory_budget_bytes);
  const std::uint64_t engine = split[static_cast<std::size_t>(flowcontrol::Pool::engine)];
  storage::RocksDbOptions options;
  options.block_cache_bytes = engine / 4;
  options.memtable_bytes_max = engine / 4;
  // The replica bounds what is not durable yet (ReplicaOptions::uncommitted_bytes_max). A commit
  // that the engine refused would be the node's end, so it must never come to that.
  options.commit_queue_bytes_max = std::numeric_limits<std::size_t>::max();
  options.read_results_bytes_max = engine / 4;
  return options;
}

std::shared_ptr<spdlog::logger> make_logger(const cluster::NodeConfig& config) {
  auto log =
      std::make_shared<spdlog::logger>("greyd", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  log->set_level(spdlog::level::from_str(config.log_level));
  log->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l n" + std::to_string(config.node) + " %v");
  log->flush_on(spdlog::level::info);
  return log;
}

// Blocks the signals that end the process, for this thread and those that it starts from here on.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// Waits for blocked signals on a thread of its own; SIGUSR1 ends it.
class SignalThread {
 public:
  SignalThread(const sigset_t& signals, std::function<void(int)> on_signal) {
    thread_ = std::thread([signals, on_signal = std::move(on_signal)] {
      int signal = 0;
      while (sigwait(&signals, &signal) == 0 && signal != SIGUSR1) on_signal(signal);
    });
  }
  ~SignalThread() {
    pthread_kill(thread_.native_handle(), SIGUSR1);
    thread_.join();
  }
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

 private:
  std::thread thread_;
};

// What happens on the loop while the process lives.
class Process {
 public:
  Process(transport::RunnableTransport& transport, spdlog::logger& log)
      : transport_(transport), log_(log) {}

  /// The node's part of the run: starts it, and reports its end by stopping the loop.
  void start(cluster::Node& node) {
    node_ = &node;
    node.start([this](Status started) {
      if (!started) return fail_with(started.error());
      log_.info("serving on {} (pid {})", node_->endpoint().to_string(), ::getpid());
    });
  }
  void fail_with(Error error) {
    if (!result_) return;
    log_.error("{}", error.message());
    result_ = std::unexpected(std::move(error));
    transport_.stop();
  }
  void on_signal(int signal) {
    if (node_ == nullptr || std::exchange(stopping_, true)) {
      log_.warn("stopping at once");
      return transport_.stop();
    }
    log_.info("{}: draining, for at most {} s", signal == SIGTERM ? "SIGTERM" : "SIGINT",
              drain_timeout / std::chrono::seconds(1));
    node_->stop(transport_.now() + drain_timeout, [this] {
      log_.info("drained");
      transport_.stop();
    });
  }
  Status result() const { return result_; }

 private:
  transport::RunnableTransport& transport_;
  spdlog::logger& log_;
  cluster::Node* node_ = nullptr;
  bool stopping_ = false;
  Status result_;
};

}  // namespace

Status initialise(const cluster::NodeConfig& config) {
  return storage::DataDirectory::init(config.data_dir, owner_of(config),
                                      SystemClock().unix_time_ns(), [&](const std::string& path) {
                                        return storage::RocksDbEngine::create(
                                            path, engine_options(config));
                                      });
}

Status run(cluster::NodeConfig config) {
  const sigset_t signal_set = block_signals();  // before any thread exists
  const auto log = make_logger(config);
  const auto refuse = [&](Error error) -> Status {
    log->error("{}", error.message());
    return std::unexpected(std::move(error));
  };
  auto ring = cluster::Ring::make(config.topology);
  if (!ring) return refuse(ring.error());
  auto directory = storage::DataDirectory::open(config.data_dir, owner_of(config));
  if (!directory) return refuse(directory.error());
  const auto kind = transport::parse_transport_kind(config.transport);
  if (!kind) return refuse(kind.error());
  auto chosen = transport::make_transport(*kind);
  if (!chosen) return refuse(chosen.error());
  transport::RunnableTransport& transport = *chosen->transport;
  log->info("greyd {} node {} of cluster {}, incarnation {}", server_version, config.node,
            config.topology.cluster_id, directory->identity().incarnation);
  log->info("transport {}: {}", transport.name(), chosen->reason);

  Process process(transport, *log);
  storage::RocksDbOptions options = engine_options(config);
  options.on_background_error = [&](const Error& error) { process.fail_with(error); };
  auto engine = storage::RocksDbEngine::open(directory->engine_path(), options, transport);
  if (!engine) return refuse(engine.error());

  cluster::NodeEnvironment environment{.transport = transport,
                                       .engine = **engine,
                                       .log = *log,
                                       .random_bytes = system_random_bytes,
                                       .seed = system_seed(),
                                       .incarnation = directory->identity().incarnation,
                                       .transport_reason = chosen->reason,
                                       .server_version = server_version};
  cluster::Node node(std::move(config), *std::move(ring), std::move(environment),
                     [&](Error error) { process.fail_with(std::move(error)); });
  {
    const SignalThread signals(signal_set, [&](int signal) {
      transport.post_from_any_thread([&process, signal] { process.on_signal(signal); });
    });
    transport.post_from_any_thread([&] { process.start(node); });
    transport.run();
  }
  return process.result();
}

Result<std::string> read_text_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in) return fail(ErrorCode::file_error, "cannot read '" + path + "'");
  return text.str();
}

}  // namespace grey::greyd
