// The command line by the real binary: help, files of flags.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/testing/run_command.h"
#include "tests/testing/server_process.h"
#include "tests/testing/temporary_folder.h"

namespace normd {
namespace {

using testing::CommandResult;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::RunCommand;
using testing::ServerProcess;
using testing::TemporaryFolder;

TEST(FlagsTest, HelpHasEveryFlagUnderATopic) {
  const CommandResult help = RunCommand({NORMD_SERVER_BINARY, "--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const char* words :
       {"normd healthcheck", "\nLimits of the server\n", "  --max_streams=10000\n",
        "  --drain_delay=0\n", "--flagfile=FILE", "Exit codes: "}) {
    EXPECT_THAT(help.out, HasSubstr(words));
  }
  EXPECT_THAT(help.out, Not(HasSubstr("\nOther\n")));  // what no topic names
}

TEST(FlagsTest, AFileHoldsFlagsAndWhatFollowsItWins) {
  const TemporaryFolder folder;
  const std::string file =
      folder.Write("normd.flags", "# a comment\n--max_message_bytes=0\n--log_level=info\n");
  ServerProcess refused(NORMD_SERVER_BINARY, {"--flagfile=" + file});
  EXPECT_EQ(refused.Wait(), 2);
  EXPECT_THAT(refused.Log(), HasSubstr("--max_message_bytes is 0"));
  ServerProcess server(NORMD_SERVER_BINARY, {"--flagfile=" + file, "--max_message_bytes=4096"});
  EXPECT_NE(server.port(), 0);
  EXPECT_THAT(server.Log(), HasSubstr(" info listening on "));
  ServerProcess absent(NORMD_SERVER_BINARY, {"--flagfile=" + file + ".not"});
  EXPECT_EQ(absent.Wait(), 1);
}

}  // namespace
}  // namespace normd
