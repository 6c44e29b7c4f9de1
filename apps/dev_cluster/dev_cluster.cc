#include "apps/dev_cluster/dev_cluster.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

namespace grey::dev {

namespace {

namespace fs = std::filesystem;

std::string errno_text() { return std::strerror(errno); }

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Ports that were free a moment ago. All are held at once, so that they differ.
Result<std::vector<std::uint16_t>> free_ports(std::size_t count) {
  std::vector<int> sockets;
  std::vector<std::uint16_t> ports;
  for (std::size_t i = 0; i < count; ++i) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (fd >= 0) sockets.push_back(fd);
    if (fd < 0 || ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      break;
    }
    ports.push_back(ntohs(address.sin_port));
  }
  for (const int fd : sockets) ::close(fd);
  if (ports.size() < count) return fail(ErrorCode::transport_io, "no free port: " + errno_text());
  return ports;
}

bool accepts_connections(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const sockaddr_in address = loopback(port);
  const bool ok = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return ok;
}

// Starts `program`, its output appended to `log_file`. The child dies with this process.
Result<pid_t> spawn(const std::vector<std::string>& arguments, const std::string& log_file) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const int log = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log < 0) return fail(ErrorCode::file_error, log_file + ": " + errno_text());
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    // A process group of its own: Ctrl-C on the terminal is for the parent to handle.
    ::setpgid(0, 0);
    ::dup2(log, STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(log);
  if (pid < 0) return fail(ErrorCode::file_error, "fork: " + errno_text());
  return pid;
}

// True if the process has ended within the time.
bool wait_for_end(pid_t pid, std::chrono::milliseconds timeout) {
  for (std::chrono::milliseconds waited{0};; waited += std::chrono::milliseconds(10)) {
    const pid_t ended = ::waitpid(pid, nullptr, WNOHANG);
    if (ended == pid || (ended < 0 && errno == ECHILD)) return true;
    if (waited >= timeout) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
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
  std::vector<std::uint16_t> ports;
  if (cluster.options_.first_port != 0) {
    for (std::size_t i = 0; i < cluster.options_.nodes; ++i) {
      ports.push_back(static_cast<std::uint16_t>(cluster.options_.first_port + i));
    }
  } else {
    auto found = free_ports(cluster.options_.nodes);
    if (!found) return std::unexpected(found.error());
    ports = *std::move(found);
  }
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const std::string base = cluster.options_.directory + "/node" + std::to_string(i + 1);
    cluster.nodes_.push_back(
        {static_cast<std::uint32_t>(i + 1), ports[i], 0, false, base, base + ".log"});
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
  out << "transport: " << options_.transport << "\nlog_level: " << options_.log_level << "\n"
      << options_.extra_config;
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
  const auto pid = spawn({options_.greyd, "run", "--config", config_path_, "--node",
                          std::to_string(id), "--data-dir", (*node)->data_dir},
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
    if (node.pid == 0 || ::waitpid(node.pid, nullptr, WNOHANG) != node.pid) continue;
    node.pid = 0;
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
