// A cluster of real greyd processes on this machine, for development, demonstrations and tests:
// writes the configuration, initialises the data directories, starts, kills, stops and restarts
// nodes. Processes die with the one that made this object, whatever happens to it.
//
// Blocking; not thread-safe.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"

namespace grey::dev {

struct DevClusterOptions {
  std::string greyd;      // path of the program
  std::string directory;  // holds everything; made if it is not there
  std::size_t nodes = 3;
  std::uint16_t first_port = 0;  // 0: any free ones
  std::string transport = "auto";
  std::string cluster_id = "dev";
  std::string log_level = "info";
  std::string extra_config = {};  // YAML appended to the configuration
};

class DevCluster {
 public:
  struct Node {
    std::uint32_t id = 0;
    std::uint16_t port = 0;
    pid_t pid = 0;  // 0: not running
    bool frozen = false;
    std::string data_dir;
    std::string log_file;
    std::string last_end = {};  // how it ended when nobody asked it to; for people
  };

  /// Prepares the directory (initialising data directories that are not) and starts nothing.
  /// Fails with file_error, usage, address_in_use if a port of `first_port` on is taken, and with
  /// what `greyd init` says.
  static Result<DevCluster> make(DevClusterOptions options);
  /// Kills what still runs.
  ~DevCluster();
  DevCluster(DevCluster&& other) noexcept;
  DevCluster& operator=(DevCluster&&) = delete;

  Status start(std::uint32_t node);
  Status start_all();
  /// SIGKILL, and waits for the end.
  Status kill(std::uint32_t node);
  /// SIGTERM, and waits for the end for at most `timeout_s`.
  Status terminate(std::uint32_t node, int timeout_s = 15);
  Status freeze(std::uint32_t node);  // SIGSTOP
  Status thaw(std::uint32_t node);    // SIGCONT
  /// Waits until the node's port accepts connections; fails with what its log says if it ended.
  Status wait_until_listening(std::uint32_t node, int timeout_s = 20);

  /// "127.0.0.1:7400,127.0.0.1:7401,127.0.0.1:7402".
  std::string endpoints() const;
  const std::vector<Node>& nodes() const noexcept { return nodes_; }
  const std::string& config_path() const noexcept { return config_path_; }
  /// Collects the ends of processes that nobody asked to end; their ids.
  std::vector<std::uint32_t> reap();
  /// The last lines of a node's log.
  std::string log_tail(std::uint32_t node, std::size_t lines = 5) const;

 private:
  explicit DevCluster(DevClusterOptions options) : options_(std::move(options)) {}
  Result<Node*> find(std::uint32_t node);
  Status write_config();
  Status initialise(const Node& node) const;

  DevClusterOptions options_;
  std::string config_path_;
  std::vector<Node> nodes_;
};

}  // namespace grey::dev
