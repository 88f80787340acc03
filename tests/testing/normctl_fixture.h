// normctl against a server of the test's own, as from a shell.
#ifndef NORMD_TESTS_TESTING_NORMCTL_FIXTURE_H_
#define NORMD_TESTS_TESTING_NORMCTL_FIXTURE_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/testing/run_command.h"
#include "tests/testing/server_process.h"
#include "tests/testing/temporary_folder.h"

namespace normd::testing {

// normd as its users start it.
class DefaultServer : public ServerProcess {
 public:
  DefaultServer() : ServerProcess(NORMD_SERVER_BINARY, {}) { EXPECT_NE(port(), 0); }
};

// `Server` starts with the test and tells its address.
template <typename Server>
class NormctlFixture : public ::testing::Test {
 protected:
  CommandResult Normctl(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {NORMCTL_BINARY, "--server", server_.address()});
    return RunCommand(arguments);
  }

  // Runs it; it must succeed. What it printed.
  std::string Output(const std::vector<std::string>& arguments) const {
    const CommandResult result = Normctl(arguments);
    EXPECT_EQ(result.exit_code, 0) << result.error;
    return result.out;
  }

  TemporaryFolder folder_;
  Server server_;
};

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_NORMCTL_FIXTURE_H_
