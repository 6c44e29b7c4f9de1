#include "apps/dev_cluster/dev_cluster.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <deque>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

#include "apps/dev_cluster/ports.h"
#include "apps/dev_cluster/process.h"

namespace grey::dev {

namespace {

namespace fs = std::filesystem;

Result<std::vector<std::uint16_t>> choose_ports(const DevClusterOptions& options) {
  if (options.first_port == 0) return free_ports(options.nodes);
  std::vector<std::uint16_t> ports;
  for (std::size_t i = 0; i < options.nodes; ++i) {
    const std::size_t port = options.first_port + i;
    if (port > 65535) return fail(ErrorCode::usage, "there is no port " + std::to_string(port));
    ports.push_back(static_cast<std::uint16_t>(port));
    // Whoever listens there would be taken for the node.
    if (!is_free(ports.back())) {
      return fail(ErrorCode::address_in_use, "127.0.0.1:" + std::to_string(port));
    }
  }
  return ports;
}

}  // namespace

Result<DevCluster> DevCluster::make(DevClusterOptions options) {
  if (::access(options.greyd.c_str(), X_OK) != 0) {
    return fail(ErrorCode::file_error, "no program at '" + options.greyd + "'");
  }
  std::error_code error;
  fs::create_directories(options.directory, error);
  if (error) return fail(ErrorCode::file_error, options.directory + ": " + error.message());
  DevCluster cluster(std::move(options));
  auto ports = choose_ports(cluster.options_);
  if (!ports) return std::unexpected(ports.error());
  for (std::size_t i = 0; i < ports->size(); ++i) {
    const std::string base = cluster.options_.directory + "/node" + std::to_string(i + 1);
    cluster.nodes_.push_back(
        {static_cast<std::uint32_t>(i + 1), (*ports)[i], 0, false, base, base + ".log"});
  }
  if (Status written = cluster.write_config(); !written) return std::unexpected(written.error());
  for (const Node& node : cluster.nodes_) {
    if (Status made = cluster.initialise(node); !made) return std::unexpected(made.error());
  }
  return cluster;
}

DevCluster::DevCluster(DevCluster&& other) noexcept
    : options_(std::move(other.options_)),
      config_path_(std::move(other.config_path_)),
      nodes_(std::exchange(other.nodes_, {})) {}

DevCluster::~DevCluster() {
  for (const Node& node : nodes_) {
    if (node.pid == 0) continue;
    ::kill(node.pid, SIGKILL);
    ::waitpid(node.pid, nullptr, 0);
  }
}

Status DevCluster::write_config() {
  config_path_ = options_.directory + "/grey.yaml";
  std::ofstream out(config_path_);
  out << "cluster:\n  id: " << options_.cluster_id << "\n  nodes:\n";
  for (const Node& node : nodes_) {
    out << "    - {id: " << node.id << ", endpoint: \"127.0.0.1:" << node.port << "\"}\n";
  }
  out << "log_level: " << options_.log_level << "\n" << options_.extra_config;
  out.close();
  if (!out) return fail(ErrorCode::file_error, "cannot write '" + config_path_ + "'");
  return {};
}

Status DevCluster::initialise(const Node& node) const {
  if (fs::exists(node.data_dir + "/identity")) return {};
  const auto pid = spawn({options_.greyd, "init", "--config", config_path_, "--node",
                          std::to_string(node.id), "--data-dir", node.data_dir},
                         node.log_file);
  if (!pid) return std::unexpected(pid.error());
  int status = 0;
  if (::waitpid(*pid, &status, 0) != *pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return fail(ErrorCode::storage_io,
                "greyd init of node " + std::to_string(node.id) + " failed: " + log_tail(node.id));
  }
  return {};
}

Result<DevCluster::Node*> DevCluster::find(std::uint32_t id) {
  for (Node& node : nodes_) {
    if (node.id == id) return &node;
  }
  return fail(ErrorCode::usage, "there is no node " + std::to_string(id));
}

Status DevCluster::start(std::uint32_t id) {
  const auto node = find(id);
  if (!node) return std::unexpected(node.error());
  if ((*node)->pid != 0) return fail(ErrorCode::usage, "node " + std::to_string(id) + " runs");
  // The transport as a flag, so that no variable of the environment decides otherwise.
  const auto pid =
      spawn({options_.greyd, "run", "--config", config_path_, "--node", std::to_string(id),
             "--data-dir", (*node)->data_dir, "--transport", options_.transport},
            (*node)->log_file);
  if (!pid) return std::unexpected(pid.error());
  (*node)->pid = *pid;
  (*node)->frozen = false;
  return {};
}

Status DevCluster::start_all() {
  for (const Node& node : nodes_) {
    if (Status started = start(node.id); !started) return started;
  }
  for (const Node& node : nodes_) {
    if (Status listening = wait_until_listening(node.id); !listening) return listening;
  }
  return {};
}

Status DevCluster::kill(std::uint32_t id) {
  const auto node = find(id);
  if (!node) return std::unexpected(node.error());
  if ((*node)->pid == 0) return fail(ErrorCode::usage, "node " + std::to_string(id) + " is down");
  ::kill((*node)->pid, SIGKILL);
  ::waitpid((*node)->pid, nullptr, 0);
  (*node)->pid = 0;
  return {};
}

Status DevCluster::terminate(std::uint32_t id, int timeout_s) {
  const auto node = find(id);
  if (!node) return std::unexpected(node.error());
  if ((*node)->pid == 0) return {};
  ::kill((*node)->pid, SIGCONT);
  ::kill((*node)->pid, SIGTERM);
  if (!wait_for_end((*node)->pid, std::chrono::seconds(timeout_s))) return kill(id);
  (*node)->pid = 0;
  return {};
}

Status DevCluster::freeze(std::uint32_t id) {
  const auto node = find(id);
  if (!node) return std::unexpected(node.error());
  if ((*node)->pid == 0) return fail(ErrorCode::usage, "node " + std::to_string(id) + " is down");
  ::kill((*node)->pid, SIGSTOP);
  (*node)->frozen = true;
  return {};
}

Status DevCluster::thaw(std::uint32_t id) {
  const auto node = find(id);
  if (!node) return std::unexpected(node.error());
  if ((*node)->pid == 0) return fail(ErrorCode::usage, "node " + std::to_string(id) + " is down");
  ::kill((*node)->pid, SIGCONT);
  (*node)->frozen = false;
  return {};
}

Status DevCluster::wait_until_listening(std::uint32_t id, int timeout_s) {
  const auto node = find(id);
  if (!node) return std::unexpected(node.error());
  for (int waited_ms = 0; waited_ms < timeout_s * 1000; waited_ms += 20) {
    reap();
    if ((*node)->pid == 0) {
      return fail(ErrorCode::storage_io,
                  "node " + std::to_string(id) + " ended at its start: " + log_tail(id));
    }
    if (accepts_connections((*node)->port)) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return fail(ErrorCode::connect_timeout, "node " + std::to_string(id) + " does not listen after " +
                                              std::to_string(timeout_s) + " s: " + log_tail(id));
}

std::string DevCluster::endpoints() const {
  std::string out;
  for (const Node& node : nodes_) {
    out += (out.empty() ? "127.0.0.1:" : ",127.0.0.1:") + std::to_string(node.port);
  }
  return out;
}

std::vector<std::uint32_t> DevCluster::reap() {
  std::vector<std::uint32_t> ended;
  for (Node& node : nodes_) {
    int status = 0;
    if (node.pid == 0 || ::waitpid(node.pid, &status, WNOHANG) != node.pid) continue;
    node.pid = 0;
    node.last_end = describe_end(status);
    ended.push_back(node.id);
  }
  return ended;
}

std::string DevCluster::log_tail(std::uint32_t id, std::size_t lines) const {
  std::deque<std::string> tail;
  std::ifstream in(options_.directory + "/node" + std::to_string(id) + ".log");
  for (std::string line; std::getline(in, line);) {
    tail.push_back(line);
    if (tail.size() > lines) tail.pop_front();
  }
  std::string out;
  for (const std::string& line : tail) out += (out.empty() ? "" : "\n  ") + line;
  return out.empty() ? "(its log is empty)" : out;
}

}  // namespace grey::dev
