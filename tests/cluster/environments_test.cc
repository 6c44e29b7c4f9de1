// What surrounds a node is wrong: it says so once, clearly, damages nothing, and its neighbours go
// on.
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "apps/dev_cluster/ports.h"
#include "apps/dev_cluster/process.h"
#include "base/check.h"
#include "tests/cluster/program.h"
#include "tests/cluster/scene.h"

namespace grey::cluster_test {
namespace {

using testing::HasSubstr;

std::string read_text(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

class Environments : public testing::Test {
 protected:
  Environments() { write_config("one"); }

  void write_config(const std::string& cluster_id, const std::string& more = "") {
    std::ofstream out(config_);
    out << "cluster:\n  id: " << cluster_id << "\n  nodes:\n";
    for (std::size_t i = 0; i < ports_.size(); ++i) {
      out << "    - {id: " << i + 1 << ", endpoint: \"127.0.0.1:" << ports_[i] << "\"}\n";
    }
    out << more;
  }
  std::vector<std::string> arguments(const std::string& command, int node) const {
    return {GREYD_PROGRAM,        command,      "--config", config_, "--node",
            std::to_string(node), "--data-dir", data_};
  }
  ProgramEnd greyd(const std::string& command, int node = 1) const {
    return run_program(arguments(command, node), directory_.path());
  }
  /// The run ended by itself with `status`, and with one line that has all of `texts`.
  static void expect_one_error(const ProgramEnd& end, int status,
                               const std::vector<std::string>& texts) {
    EXPECT_EQ(end.exit_status, status) << end.output;
    int lines = 0;
    std::istringstream output(end.output);
    for (std::string line; std::getline(output, line);) {
      if (line.find("error") == std::string::npos && !line.starts_with("greyd: ")) continue;
      ++lines;
      for (const std::string& text : texts) EXPECT_THAT(line, HasSubstr(text));
    }
    EXPECT_EQ(lines, 1) << end.output;
  }
  std::map<std::string, std::string> everything_in(const std::string& path) const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
      if (!entry.is_regular_file() || entry.path().filename() == "lock") continue;
      files[entry.path()] = read_text(entry.path());
    }
    return files;
  }

  const std::vector<std::uint16_t> ports_ = dev::free_ports(3).value();
  storage::TemporaryDirectory directory_;
  const std::string config_ = directory_ / "grey.yaml";
  const std::string data_ = directory_ / "data";
};

TEST_F(Environments, AnUninitialisedDirectoryIsRefusedAndNotMade) {
  expect_one_error(greyd("run"), 9, {"not initialised", "greyd init", data_});
  EXPECT_FALSE(std::filesystem::exists(data_));
  std::filesystem::create_directory(data_);
  expect_one_error(greyd("run"), 9, {"not initialised", data_});
  EXPECT_TRUE(std::filesystem::is_empty(data_));
}

TEST_F(Environments, ADirectoryOfOtherThingsIsNotInitialised) {
  std::filesystem::create_directory(data_);
  std::ofstream(data_ + "/thesis.txt") << "precious";
  expect_one_error(greyd("init"), 9, {"not empty", "thesis.txt"});
  EXPECT_EQ(everything_in(data_).size(), 1u);
}

TEST_F(Environments, AnothersDirectoryIsRefusedAndUntouched) {
  ASSERT_EQ(greyd("init").exit_status, 0);
  const auto before = everything_in(data_);
  expect_one_error(greyd("run", 2), 9, {"another node", "node 1", "node 2"});
  write_config("two");
  expect_one_error(greyd("run"), 9, {"another node or cluster", "cluster one", "cluster two"});
  expect_one_error(greyd("init"), 9, {"not empty", "node 1 of cluster one"});
  EXPECT_EQ(everything_in(data_), before);
}

TEST_F(Environments, DataOfAnotherTopologyAreRefused) {
  ASSERT_EQ(greyd("init").exit_status, 0);
  const auto before = everything_in(data_);
  write_config("one", "  virtual_nodes: 128\n");
  expect_one_error(greyd("run"), 9, {"topology", "virtual nodes", "stay as they were"});
  EXPECT_EQ(everything_in(data_), before);
}

TEST_F(Environments, AReadOnlyDirectoryIsRefused) {
  ASSERT_EQ(greyd("init").exit_status, 0);
  std::vector<std::string> as_nobody = {"/usr/bin/setpriv", "--reuid", "65534", "--clear-groups"};
  if (::geteuid() != 0) as_nobody.clear();
  ::chmod(directory_.path().c_str(), 0755);
  ::chmod(data_.c_str(), 0555);
  ::chmod((data_ + "/lock").c_str(), 0444);
  const auto run = arguments("run", 1);
  as_nobody.insert(as_nobody.end(), run.begin(), run.end());
  expect_one_error(run_program(as_nobody, directory_.path()), 9, {"read-only", data_});
  ::chmod(data_.c_str(), 0755);
}

TEST_F(Environments, APortInUseIsNamed) {
  Scene scene;
  ASSERT_TRUE(succeeded(scene.cluster.start(1)));
  ASSERT_TRUE(succeeded(scene.cluster.wait_until_listening(1)));
  const std::string port = std::to_string(scene.cluster.nodes().front().port);
  write_config("one", "listen: \"127.0.0.1:" + port + "\"\n");
  ASSERT_EQ(greyd("init").exit_status, 0);
  expect_one_error(greyd("run"), 9, {"address already in use", "127.0.0.1:" + port});
}

TEST_F(Environments, ADirectoryInUseIsRefused) {
  Scene scene;
  ASSERT_TRUE(succeeded(scene.cluster.start(1)));
  ASSERT_TRUE(succeeded(scene.cluster.wait_until_listening(1)));
  const auto& node = scene.cluster.nodes().front();
  const ProgramEnd end = run_program({GREYD_PROGRAM, "run", "--config", scene.cluster.config_path(),
                                      "--node", "1", "--data-dir", node.data_dir},
                                     directory_.path());
  expect_one_error(end, 9, {"in use by another process", std::to_string(node.pid)});
}

TEST_F(Environments, AnUnknownConfigurationKeyIsNamedWithItsLine) {
  write_config("one", "log_level: info\nlimits: {value_byte: 5}\n");
  expect_one_error(greyd("run"), 1, {"grey.yaml:8", "'value_byte'", "known are", "value_bytes"});
}

/// What node 1 of another configuration logs, once it has said `expected`.
std::string log_of_stranger(const std::string& config_text, const std::string& expected,
                            const storage::TemporaryDirectory& directory) {
  const std::string config = directory / "stranger.yaml";
  const std::string data = directory / "stranger";
  const std::string log = directory / "stranger.log";
  std::ofstream(config) << config_text;
  const auto arguments = [&](const char* command) -> std::vector<std::string> {
    return {GREYD_PROGRAM, command, "--config", config, "--node", "1", "--data-dir", data};
  };
  const ProgramEnd made = run_program(arguments("init"), directory.path());
  EXPECT_EQ(made.exit_status, 0) << made.output;
  const auto pid = dev::spawn(arguments("run"), log);
  GREY_CHECK(pid.has_value());
  std::string text;
  eventually([&] {
    text = read_text(log);
    return text.find(expected) != std::string::npos;
  });
  ::kill(*pid, SIGKILL);
  dev::wait_for_end(*pid, seconds(10));
  return text;
}

/// A topology in which node 1 is elsewhere and nodes 2 and 3 are those of the scene.
std::string topology_around(const Scene& scene, const std::string& id, std::uint16_t own_port,
                            int virtual_nodes) {
  std::string text = "cluster:\n  id: " + id +
                     "\n  virtual_nodes: " + std::to_string(virtual_nodes) + "\n  nodes:\n";
  for (const auto& node : scene.cluster.nodes()) {
    const std::uint16_t port = node.id == 1 ? own_port : node.port;
    text += "    - {id: " + std::to_string(node.id) +
            ", endpoint: \"127.0.0.1:" + std::to_string(port) + "\"}\n";
  }
  return text;
}

TEST_F(Environments, AnotherClustersNodeIsKeptOut) {
  Scene scene;
  ASSERT_NO_FATAL_FAILURE(scene.start_all());
  const std::string log = log_of_stranger(topology_around(scene, "elsewhere", ports_[0], 256),
                                          "another cluster", directory_);
  EXPECT_THAT(log, HasSubstr("wrong_cluster"));
  EXPECT_TRUE(scene.wait_until_whole());
}

TEST_F(Environments, AnotherTopologysNodeIsKeptOut) {
  Scene scene;
  ASSERT_NO_FATAL_FAILURE(scene.start_all());
  const std::string log = log_of_stranger(topology_around(scene, "test", ports_[0], 128),
                                          "another topology", directory_);
  EXPECT_THAT(log, HasSubstr("wrong_topology"));
  EXPECT_TRUE(scene.wait_until_whole());
}

/// A file system of its own, so small that it is soon full. Needs the right to mount: root's, or
/// that of a new user namespace.
void mount_small_disk(const std::string& path, const std::string& size) {
  std::filesystem::create_directory(path);
  const uid_t user = ::getuid();
  const gid_t group = ::getgid();
  if (::unshare(CLONE_NEWNS) != 0) {
    ASSERT_EQ(::unshare(CLONE_NEWUSER | CLONE_NEWNS), 0) << "neither root nor user namespaces";
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << user << " " << user << " 1";
    std::ofstream("/proc/self/gid_map") << group << " " << group << " 1";
  }
  ASSERT_EQ(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  ASSERT_EQ(::mount("tmpfs", path.c_str(), "tmpfs", 0, ("size=" + size).c_str()), 0);
}

TEST(FullDisk, TheFullNodeStopsTheOthersGoOnAndRoomBringsItBack) {
  std::string disk;
  Scene scene(chosen_transport(), "", [&](const std::string& directory) {
    disk = directory + "/node2";
    mount_small_disk(disk, "32m");
  });
  ASSERT_NO_FATAL_FAILURE(scene.start_all());
  SyncClient client(scene.client_options());
  load::PutLoadOptions options = scene.load_options("full/");
  options.value_bytes = 256 << 10;
  load::PutLoad load(client, options);
  load.start();
  std::vector<std::uint32_t> ended;
  EXPECT_TRUE(eventually([&] {
    ended = scene.cluster.reap();
    return !ended.empty();
  }));
  EXPECT_THAT(ended, testing::ElementsAre(2));
  EXPECT_THAT(scene.cluster.log_tail(2), HasSubstr("storage_full"));
  EXPECT_TRUE(load.wait_for_more(50, seconds(60)));
  load.stop();
  EXPECT_THAT(load.failures(), testing::IsEmpty());

  ASSERT_EQ(::mount("tmpfs", disk.c_str(), "tmpfs", MS_REMOUNT, "size=1g"), 0);
  ASSERT_TRUE(succeeded(scene.cluster.start(2)));
  EXPECT_TRUE(scene.wait_until_whole());
  EXPECT_THAT(load.verify(), testing::IsEmpty());
  ::umount2(disk.c_str(), MNT_DETACH);
}

}  // namespace
}  // namespace grey::cluster_test
