// Inputs that are larger than memory or still being written, by normctl and a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "tests/client/cli/npy_files.h"
#include "tests/testing/live_command.h"
#include "tests/testing/normctl_fixture.h"

namespace normd::cli {
namespace {

using testing::CommandResult;
using ::testing::HasSubstr;
using testing::LiveCommand;
using ::testing::StartsWith;

std::string BytesOf(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

class NormctlPipeTest : public testing::NormctlFixture<testing::DefaultServer> {
 protected:
  std::vector<std::string> Command(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {NORMCTL_BINARY, "--server", server_.address()});
    return arguments;
  }

  // As from a shell, in the test's folder.
  CommandResult Shell(const std::string& command) const {
    return testing::RunCommand({"/bin/bash", "-c",
                                "set -o pipefail; normctl() { " NORMCTL_BINARY " --server " +
                                    server_.address() + " \"$@\"; }; cd " + folder_ / "" + "; " +
                                    command});
  }

  // Rows of 4 floats, as no option tells.
  std::vector<std::string> StreamRawRows(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"stream",  "-",    "--raw",    "--type",    "float32",
                                          "--shape", "-1,4", "--method", "layer_norm"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Command(arguments);
  }

  int64_t Files() const {
    return std::distance(std::filesystem::directory_iterator(folder_ / ""), {});
  }
};

TEST_F(NormctlPipeTest, RowsAreAnsweredWhileThePipeIsOpen) {
  LiveCommand stream(StreamRawRows({"-o", "-"}));
  const std::string row = BytesOf({1, 2, 3, 4});
  std::string answers;
  for (int i = 0; i < 3; ++i) {
    stream.Write(row.substr(0, 7));
    stream.Write(row.substr(7));
    answers += stream.Read(row.size());
    ASSERT_EQ(answers.size(), (i + 1) * row.size());
  }
  stream.CloseInput();
  const CommandResult result = stream.End();
  EXPECT_EQ(result.exit_code, 0) << result.error;
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.error, HasSubstr("3 rows in "));
  folder_.Write("x.raw", row + row + row);
  const CommandResult file =
      Shell("normctl stream x.raw --raw --type float32 --shape 3,4 --method layer_norm -o -");
  EXPECT_TRUE(answers == file.out);
}

TEST_F(NormctlPipeTest, RowsOfAnArrayAreAnsweredWhileThePipeIsOpen) {
  LiveCommand stream(Command({"stream", "-", "--method", "layer_norm", "-o", "-"}));
  const std::string header = NpyHeader("<f4", {2, 4});
  const std::string row = BytesOf({1, 2, 3, 4});
  stream.Write(header);
  EXPECT_EQ(stream.Read(header.size()), header);
  stream.Write(row);
  EXPECT_EQ(stream.Read(row.size()).size(), row.size());
  stream.Write(row);
  EXPECT_EQ(stream.Read(row.size()).size(), row.size());
  stream.CloseInput();
  EXPECT_EQ(stream.End().exit_code, 0);
}

TEST_F(NormctlPipeTest, CompareFollowsAPipe) {
  LiveCommand compare(Command({"compare", "-", "--raw", "--type", "float32", "--shape", "-1,4",
                               "--rows-per-chunk", "2", "--follow"}));
  compare.Write(BytesOf({1, 2, 3, 4, 5, 6, 8, 7}));
  EXPECT_EQ(compare.Read(14), "after 1 chunks");
  compare.Write(BytesOf({4, 3, 2, 1}));
  compare.CloseInput();
  const CommandResult result = compare.End();
  EXPECT_EQ(result.exit_code, 0) << result.error;
  EXPECT_THAT(result.out, HasSubstr("after 2 chunks"));
}

TEST_F(NormctlPipeTest, AnErrorOfTheServerEndsAWaitForAPipe) {
  LiveCommand stream(StreamRawRows());
  stream.Write(BytesOf({1, 2, std::numeric_limits<float>::quiet_NaN(), 4}));
  const CommandResult result = stream.End();  // the pipe is open still
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.error, HasSubstr("normctl: chunk 1: "));
}

TEST_F(NormctlPipeTest, AHalfRowAtTheEndFailsAfterTheRowsBeforeIt) {
  LiveCommand stream(StreamRawRows({"-o", "-"}));
  stream.Write(BytesOf({1, 2, 3, 4, 5, 6, 7, 8, 9}));
  stream.CloseInput();
  const CommandResult result = stream.End();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.out.size(), 32);
  EXPECT_EQ(result.error, "normctl: -: holds 36 bytes, which are no whole rows of 16\n");
}

TEST_F(NormctlPipeTest, APipeThatEndsTooSoonLeavesWhatThePathHeld) {
  folder_.Write("y.npy", "before");
  WriteFloats(folder_, "x.npy", {2, 2}, {1, 2, 3, 4});
  const CommandResult result =
      Shell("head -c -1 x.npy | normctl stream - --method layer_norm -o y.npy");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.error, "normctl: -: holds 15 bytes of data, but its shape needs 16\n");
  EXPECT_EQ(folder_.Read("y.npy"), "before");
  EXPECT_EQ(Files(), 2);
  EXPECT_EQ(Shell("(cat x.npy; echo) | normctl compare -").error,
            "normctl: -: holds more than 16 bytes of data, but its shape needs 16\n");
}

TEST_F(NormctlPipeTest, AMountedFileIsWrittenInto) {
  if (Shell("unshare -rm true").exit_code != 0) GTEST_SKIP() << "no file can be mounted here";
  folder_.Write("mounted.npy", "before");
  folder_.Write("y.npy", "");
  WriteFloats(folder_, "x.npy", {2, 2}, {1, 2, 3, 4});
  const CommandResult result =
      Shell("unshare -rm bash -c 'mount --bind mounted.npy y.npy && " NORMCTL_BINARY " --server " +
            server_.address() + " stream x.npy --method layer_norm -o y.npy'");
  EXPECT_EQ(result.exit_code, 0) << result.error;
  EXPECT_EQ(folder_.Read("mounted.npy").size(), 128 + 16);
  EXPECT_EQ(Files(), 3);
}

TEST_F(NormctlPipeTest, AFileAPipeAndStandardInputGiveTheSame) {
  const std::string tokens = NORMD_TEST_DATA "/transformer_l1_tokens.npy";
  const std::string stream = "normctl stream --method layer_norm --rows-per-chunk 7 ";
  const std::string raw = " --raw --type float32 --shape -1,128 -o ";
  const std::string compare = "normctl compare --orders arrival --sample-kib 50000 ";
  const CommandResult result =
      Shell("set -e; cp " + tokens + " x.npy; tail -c +129 x.npy >x.raw; " + stream +
            "x.npy -o file.npy; cat x.npy | " + stream + "- -o pipe.npy; " + stream +
            "- -o - <x.npy >input.npy; cmp file.npy pipe.npy; cmp file.npy input.npy; " + stream +
            "x.raw" + raw + "file.raw; cat x.raw | " + stream + "-" + raw + "- | cat >pipe.raw; " +
            "(head -c 128 >/dev/null; " + stream + "-" + raw +
            "input.raw) <x.npy; cmp file.raw pipe.raw; " +
            "cmp file.raw input.raw; tail -c +129 file.npy | cmp - file.raw; " + compare +
            "x.npy >file.txt; cat x.npy | " + compare + "- | cmp - file.txt; cat x.raw | " +
            compare + "- --raw --type float32 --shape -1,128 | cmp - file.txt; " + compare +
            "- <x.npy | cmp - file.txt; mkfifo fifo; cat x.npy >fifo & " + compare +
            "fifo | cmp - file.txt");
  EXPECT_EQ(result.exit_code, 0) << result.error << result.out;
  EXPECT_THAT(folder_.Read("file.txt"), HasSubstr("batch_norm"));
}

TEST_F(NormctlPipeTest, WhatNeedsTheNumberOfRowsTakesPipesToo) {
  WriteFloats(folder_, "x.npy", {4, 2}, {1, 2, 3, 4, 5, 7, 8, 9});
  WriteIntegers(folder_, "l.npy", {1, 3});
  WriteBooleans(folder_, "m.npy", {true, true, false, true});
  const std::string raw = " --raw --type float32 --shape -1,2 ";
  for (const std::string more :
       {"--rows 1:3", "--lengths l.npy", "--mask m.npy", "--residual $x", "--rows-per-chunk 100"}) {
    const std::string stream = "normctl stream --method layer_norm -o - " + more + " ";
    const CommandResult result = Shell("set -e; tail -c +129 x.npy >x.raw; x=x.npy; " + stream +
                                       "x.npy | tail -c +129 >file; " + "cat x.npy | " + stream +
                                       "- | tail -c +129 | cmp - file; x=x.raw; cat x.raw | " +
                                       stream + "-" + raw + "| cmp - file");
    EXPECT_EQ(result.exit_code, 0) << more << ": " << result.error;
    EXPECT_FALSE(folder_.Read("file").empty());
  }
  EXPECT_EQ(Shell("cat x.raw | normctl normalize -" + raw + "--method layer_norm -o - | wc -c").out,
            "32\n");
  EXPECT_EQ(Shell("cat x.npy | normctl diff - x.npy --field max").out, "0\n");
}

TEST_F(NormctlPipeTest, StandardInputIsOneThingOnly) {
  const auto error = [this](const std::string& flags) {
    return Shell("normctl stream --method layer_norm " + flags).error;  // nothing is read
  };
  const std::string both = " cannot both be standard input\n";
  EXPECT_EQ(error("- --residual -"), "normctl: INPUT and --residual" + both);
  EXPECT_EQ(error("- --lengths -"), "normctl: INPUT and --lengths" + both);
  EXPECT_EQ(error("/nowhere/x.npy --lengths - --mask -"), "normctl: --lengths and --mask" + both);
}

TEST_F(NormctlPipeTest, AnEndlessInputIsNotReadToItsEnd) {
  const CommandResult whole = Normctl({"normalize", "/dev/zero", "--raw", "--type", "float32",
                                       "--shape", "4,4", "--method", "layer_norm"});
  EXPECT_EQ(whole.exit_code, 1);
  EXPECT_EQ(whole.error,
            "normctl: /dev/zero: holds more than 64 bytes, but --type and --shape make 64\n");
  const std::vector<std::string> large = {
      "stream",  "-",        "--raw",      "--type",           "float32", "--shape",
      "-1,1024", "--method", "layer_norm", "--rows-per-chunk", "10000000"};
  LiveCommand endless(Command(large));
  // The server's limit and a row; the pipe stays open.
  endless.Write(std::string((4 << 20) + 4096, '\0'));
  const CommandResult result = endless.End();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.error, HasSubstr("is above the server's limit of 4194304: "));
  LiveCommand fits(Command(large));
  fits.Write(std::string(3 << 20, '\0'));
  fits.CloseInput();
  EXPECT_THAT(fits.End().error, HasSubstr("768 rows in "));
}

TEST_F(NormctlPipeTest, AChunkAboveTheLimitIsRefusedBeforeAnyIsSent) {
  const CommandResult result = Shell(
      "head -c 8000000 /dev/zero | normctl stream - --raw --type float32 --shape -1,1000 "
      "--method layer_norm --rows-per-chunk 2000 -o y.raw");
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.error, StartsWith("normctl: chunk 1: a message of 8000012 bytes is above the "
                                       "server's limit of "));
  EXPECT_EQ(Files(), 0);
}

// Sanitizers have allocators of their own.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

class NormctlMemoryTest : public NormctlPipeTest {
 protected:
  static constexpr int64_t kMiB = 1 << 20;
  static constexpr int64_t kBound = 150 * kMiB;
  static constexpr int64_t kRows = 300 * 1024;  // of 1 KiB

  NormctlMemoryTest() {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    std::vector<float> values(256 * 1024);
    for (float& value : values) value = normal(random);
    std::ofstream out(folder_ / "x.npy", std::ios::binary);
    out << NpyHeader("<f4", {kRows, 256});
    for (int i = 0; i < 300; ++i) out << BytesOf(values);
  }

  // Of a process that runs.
  static int64_t PeakBytes(pid_t pid) {
    std::ifstream in("/proc/" + std::to_string(pid) + "/status");
    int64_t kibibytes = 0;
    for (std::string word; in >> word;) {
      if (word == "VmHWM:") in >> kibibytes;
    }
    return kibibytes * 1024;
  }
};

TEST_F(NormctlMemoryTest, DoesNotGrowWithTheInput) {
  const CommandResult stream = Normctl({"stream", folder_ / "x.npy", "-o", folder_ / "y.npy",
                                        "--method", "layer_norm", "--rows-per-chunk", "256"});
  ASSERT_EQ(stream.exit_code, 0) << stream.error;
  EXPECT_GT(stream.peak_bytes, kMiB);
  EXPECT_LT(stream.peak_bytes, kBound);
  EXPECT_EQ(std::filesystem::file_size(folder_ / "y.npy"), kRows * 1024 + 128);
  const CommandResult compare =
      Normctl({"compare", folder_ / "x.npy", "--orders", "arrival", "--batch-sizes", "0"});
  ASSERT_EQ(compare.exit_code, 0) << compare.error;
  EXPECT_LT(compare.peak_bytes, kBound);
}

TEST_F(NormctlMemoryTest, DoesNotGrowWhileNobodyReadsTheOutput) {
  const LiveCommand stream(Command({"stream", folder_ / "x.npy", "-o", "-", "--method",
                                    "layer_norm", "--rows-per-chunk", "256"}));
  EXPECT_EQ(stream.Read(1024).size(), 1024);
  // It comes to rest.
  const auto bytes_read = [&] {
    std::ifstream in("/proc/" + std::to_string(stream.pid()) + "/io");
    std::string name;
    int64_t bytes = 0;
    in >> name >> bytes;
    return bytes;
  };
  int64_t before = -1;
  int64_t now = bytes_read();
  for (int i = 0; i < 100 && now != before; ++i) {
    usleep(300'000);
    before = std::exchange(now, bytes_read());
  }
  EXPECT_EQ(now, before);
  EXPECT_GT(now, kMiB);
  EXPECT_LT(now, kBound);
  EXPECT_LT(PeakBytes(stream.pid()), kBound);
}

TEST_F(NormctlMemoryTest, AFileThatShrinksMeanwhileIsAnError) {
  LiveCommand stream(Command({"stream", folder_ / "x.npy", "-o", "-", "--method", "layer_norm",
                              "--rows-per-chunk", "256"}));
  EXPECT_EQ(stream.Read(1024).size(), 1024);
  std::filesystem::resize_file(folder_ / "x.npy", kMiB);
  const CommandResult result = stream.End();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_LT(result.out.size(), kBound);
  EXPECT_EQ(result.error,
            "normctl: " + folder_ / "x.npy" + ": has become shorter since it was opened\n");
}

#endif

}  // namespace
}  // namespace normd::cli
