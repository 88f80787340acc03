#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "httplib.h"
#include "tests/testing/run_command.h"
#include "tests/testing/scrape.h"
#include "tests/testing/server_process.h"
#include "tests/testing/temporary_folder.h"

namespace normd {
namespace {

using ::testing::HasSubstr;
using testing::RunCommand;
using testing::ServerProcess;
using ::testing::StartsWith;

// A server with an admin port, whose number a file tells.
class HealthcheckTest : public ::testing::Test {
 protected:
  int AdminPort() const { return std::stoi(folder_.Read("admin")); }

  std::vector<std::string> Flags(const std::string& admin_listen) const {
    return {"--admin_listen=" + admin_listen, "--admin_port_file=" + folder_ / "admin"};
  }

  static testing::CommandResult Healthcheck(const std::string& address) {
    return RunCommand({NORMD_SERVER_BINARY, "healthcheck", "--admin_listen=" + address});
  }

  testing::TemporaryFolder folder_;
};

TEST_F(HealthcheckTest, SaysWhetherTheServerIsReady) {
  ServerProcess server(NORMD_SERVER_BINARY, Flags("127.0.0.1:0"));
  ASSERT_NE(server.port(), 0);
  const std::string address = absl::StrCat("127.0.0.1:", AdminPort());
  const auto ready = Healthcheck(address);
  EXPECT_EQ(ready.exit_code, 0);
  EXPECT_EQ(ready.out, "200 ready\n");
  EXPECT_EQ(ready.error, "");
  // What the server listens on, as its own flag has it.
  EXPECT_EQ(Healthcheck(absl::StrCat("0.0.0.0:", AdminPort())).exit_code, 0);
  EXPECT_EQ(server.Terminate(), 0);
  const auto gone = Healthcheck(address);
  EXPECT_EQ(gone.exit_code, 1);
  EXPECT_THAT(gone.out, StartsWith("no answer from " + address));
}

TEST_F(HealthcheckTest, ADrainingServerIsAliveButNotReady) {
  auto flags = Flags("127.0.0.1:0");
  flags.emplace_back("--drain_delay=1m");
  ServerProcess server(NORMD_SERVER_BINARY, flags);
  ASSERT_NE(server.port(), 0);
  const int port = AdminPort();
  server.Signal(SIGTERM);
  auto result = Healthcheck(absl::StrCat("127.0.0.1:", port));
  for (int i = 0; i < 1000 && result.exit_code == 0; ++i) {
    usleep(10'000);  // until the signal is heard
    result = Healthcheck(absl::StrCat("127.0.0.1:", port));
  }
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out, "503 not ready\n");
  EXPECT_EQ(httplib::Client("127.0.0.1", port).Get("/healthz")->status, 200);
  EXPECT_TRUE(testing::Scrape(port).contains("normd_streams"));
  server.Signal(SIGTERM);  // no delay any more
  EXPECT_EQ(server.Wait(), 0);
}

TEST_F(HealthcheckTest, WhatIsNoAddressIsNotAsked) {
  for (const char* address : {"127.0.0.1", "127.0.0.1:x", "127.0.0.1:0", "127.0.0.1:65536"}) {
    const auto result = Healthcheck(address);
    EXPECT_EQ(result.exit_code, 1) << address;
    EXPECT_THAT(result.out, HasSubstr(address));
  }
}

TEST_F(HealthcheckTest, AnAdminPortThatIsTakenEndsTheStart) {
  ServerProcess first(NORMD_SERVER_BINARY, Flags("127.0.0.1:0"));
  ASSERT_NE(first.port(), 0);
  const std::string address = absl::StrCat("127.0.0.1:", AdminPort());
  // Though it serves already, it goes at once.
  ServerProcess second(NORMD_SERVER_BINARY, {"--admin_listen=" + address, "--drain_delay=1h"});
  EXPECT_EQ(second.Wait(), 1);
  EXPECT_THAT(second.Log(), HasSubstr("cannot listen on " + address));
}

}  // namespace
}  // namespace normd
