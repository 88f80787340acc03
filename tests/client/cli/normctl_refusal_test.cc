// What normctl refuses before anything is sent, and the ways out that it tells.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/client/cli/npy_files.h"
#include "tests/testing/normctl_fixture.h"
#include "tests/testing/recording_server.h"

namespace normd::cli {
namespace {

using ::testing::AllOf;
using testing::CommandResult;
using ::testing::HasSubstr;
using ::testing::Not;

class NormctlRefusalTest : public testing::NormctlFixture<testing::RecordingServer> {
 protected:
  std::string Zeros(const std::string& name, const std::vector<int64_t>& shape) const {
    return WriteFloats(folder_, name, shape, std::vector<float>(SizeOf(shape, sizeof(float))));
  }

  // A file of type 'V2', as numpy.save leaves bfloat16.
  std::string Untyped(const std::string& name) const {
    return folder_.Write(name, NpyHeader("|V2", {2}) + "1234");
  }
};

TEST_F(NormctlRefusalTest, APathThatCannotBeWrittenFailsBeforeAnythingIsSent) {
  const std::string input = Zeros("x.npy", {2, 2});
  for (const auto& [output, reason] :
       {std::pair(folder_ / "none/y.npy", "No such file or directory"),
        std::pair(folder_ / "", "Is a directory")}) {
    for (const char* command : {"stream", "normalize"}) {
      const CommandResult result = Normctl({command, input, "-o", output, "--method", "rms_norm"});
      EXPECT_EQ(result.exit_code, 1);
      EXPECT_EQ(result.error, "normctl: " + output + ": cannot be written: " + reason + "\n");
    }
  }
  EXPECT_FALSE(server_.asked().open.has_spec());
  EXPECT_FALSE(server_.asked().normalize_request.has_spec());
}

TEST_F(NormctlRefusalTest, AWriteThatFailsAsksNothingAboutTheServer) {
  const std::string input = Zeros("x.npy", {2, 2});
  const CommandResult full = Normctl({"stream", input, "-o", "/dev/full", "--method", "rms_norm"});
  EXPECT_EQ(full.exit_code, 1);
  EXPECT_EQ(full.error, "normctl: /dev/full: cannot be written: No space left on device\n");
}

TEST_F(NormctlRefusalTest, WhatThePathHeldStaysWhereACallFails) {
  server_.Tell([&](auto& answers) { answers.refused_chunk = 1; });
  const std::string output = folder_.Write("y.npy", "before");
  const std::string input = Zeros("x.npy", {2, 2});
  EXPECT_EQ(Normctl({"stream", input, "-o", output, "--method", "rms_norm"}).exit_code, 1);
  EXPECT_EQ(folder_.Read("y.npy"), "before");
}

TEST_F(NormctlRefusalTest, AChunkAboveTheServersLimitIsNotSentNorAnyBeforeIt) {
  // A chunk of 2 rows takes 16 bytes of data and 6 of message.
  server_.Tell([&](auto& answers) { answers.limits.set_max_message_bytes(22); });
  const std::string input = Zeros("x.npy", {6, 2});
  const std::vector<std::string> fits = {"stream",           input, "--method", "rms_norm",
                                         "--rows-per-chunk", "2"};
  Output(fits);
  EXPECT_EQ(server_.asked().chunks.size(), 3);
  server_.Forget();
  server_.Tell([&](auto& answers) { answers.limits.set_max_message_bytes(21); });
  EXPECT_EQ(Normctl(fits).error,
            "normctl: chunk 1: a message of 22 bytes is above the server's limit of 21: lower "
            "--rows-per-chunk, or raise normd's --max_message_bytes\n");
  EXPECT_THAT(Normctl({"stream", input, "--method", "rms_norm", "--lengths",
                       WriteIntegers(folder_, "l.npy", {1, 1, 3, 1})})
                  .error,
              HasSubstr("chunk 3: a message of 30 bytes"));
  EXPECT_THAT(Normctl({"compare", input, "--rows-per-chunk", "3"}).error,
              HasSubstr("lower --rows-per-chunk"));
  EXPECT_TRUE(server_.asked().chunks.empty());
}

// A server that tells no limit of its own.
TEST_F(NormctlRefusalTest, AMessageThatGrpcRefusesTellsTheWayOut) {
  const std::string input = Zeros("x.npy", {2, 1 << 20});
  EXPECT_THAT(
      Normctl({"stream", input, "--method", "rms_norm", "--rows-per-chunk", "2"}).error,
      AllOf(HasSubstr("larger than max"), HasSubstr("lower --rows-per-chunk, or raise normd's")));
}

TEST_F(NormctlRefusalTest, ParametersWithoutATypeAreToBeSavedAsFloat32) {
  const std::string input = Zeros("x.npy", {2, 2});
  const std::string untyped = Untyped("p.npy");
  const auto advice = AllOf(HasSubstr("p.npy: holds '|V2'"), HasSubstr("save them as float32"),
                            Not(HasSubstr("--type")));
  for (const char* flag : {"--gamma", "--beta"}) {
    EXPECT_THAT(Normctl({"stream", input, "--method", "layer_norm", flag, untyped}).error, advice);
  }
  EXPECT_THAT(Normctl({"session", "create", "s", "--channels", "2", "--mean", untyped, "--variance",
                       untyped})
                  .error,
              advice);
}

TEST_F(NormctlRefusalTest, NumbersOutOfBoundsAreToldTheirBound) {
  const std::string input = Zeros("x.npy", {2, 2});
  for (const char* command : {"stream", "compare"}) {
    const CommandResult result = Normctl({command, input, "--rows-per-chunk", "0"});
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.error, HasSubstr("--rows-per-chunk: must be at least 1"));
  }
  for (const char* seconds : {"0", "-1", "nan"}) {
    const CommandResult result = Normctl({"--timeout", seconds, "methods"});
    EXPECT_EQ(result.exit_code, 2) << seconds;
    EXPECT_THAT(result.error, HasSubstr("--timeout: must be above 0"));
  }
}

TEST_F(NormctlRefusalTest, AnyTimeoutAboveZeroIsOne) {
  const std::string input = Zeros("x.npy", {2, 2});
  for (const char* seconds : {"60", "1e10", "1e300", "inf"}) {
    Output({"--timeout", seconds, "stream", input, "--method", "rms_norm"});
    Output({"--timeout", seconds, "session", "list"});
  }
}

}  // namespace
}  // namespace normd::cli
