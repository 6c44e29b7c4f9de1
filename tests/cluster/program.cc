#include "tests/cluster/program.h"

#include <sys/wait.h>

#include <fstream>
#include <sstream>

#include "apps/dev_cluster/process.h"
#include "base/check.h"
#include "tests/cluster/scene.h"

namespace grey::cluster_test {

ProgramEnd run_program(const std::vector<std::string>& arguments, const std::string& directory) {
  const std::string log = directory + "/output";
  std::remove(log.c_str());
  const auto pid = dev::spawn(arguments, log);
  GREY_CHECK(pid.has_value());
  int status = 0;
  ProgramEnd end;
  const bool ended =
      eventually([&] { return ::waitpid(*pid, &status, WNOHANG) == *pid; }, seconds(20));
  if (!ended) {
    ::kill(*pid, SIGKILL);
    ::waitpid(*pid, nullptr, 0);
  } else if (WIFEXITED(status)) {
    end.exit_status = WEXITSTATUS(status);
  }
  std::ostringstream text;
  text << std::ifstream(log).rdbuf();
  end.output = text.str();
  return end;
}

}  // namespace grey::cluster_test
