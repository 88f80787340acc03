// normctl against a real server, as from a shell.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "absl/strings/str_split.h"
#include "tests/client/cli/npy_files.h"
#include "tests/testing/normctl_fixture.h"

namespace normd::cli {
namespace {

using ::testing::AllOf;
using testing::CommandResult;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class NormctlTest : public testing::NormctlFixture<testing::DefaultServer> {
 protected:
  std::string Write(const std::string& name, const std::vector<int64_t>& shape,
                    const std::vector<float>& values) const {
    return WriteFloats(folder_, name, shape, values);
  }

  static std::vector<float> Read(const std::string& path) { return FloatsOf(ReadOrFail(path)); }
};

TEST_F(NormctlTest, MethodsComeFromTheServer) {
  EXPECT_THAT(Output({"methods"}),
              AllOf(HasSubstr("batch_norm"), HasSubstr("layer_norm"), HasSubstr("rms_norm")));
  EXPECT_THAT(Output({"methods", "--json"}), HasSubstr("\"name\": \"layer_norm\""));
}

TEST_F(NormctlTest, TheColumnsOfMethodsAreAligned) {
  const std::vector<std::string> lines =
      absl::StrSplit(Output({"methods"}), '\n', absl::SkipEmpty());
  ASSERT_GT(lines.size(), 10);
  for (const char* column : {"fixes", "depends on batch", "typical use", "statistics over"}) {
    const size_t place = lines[0].find(column);
    ASSERT_NE(place, std::string::npos) << column;
    for (const std::string& line : lines) {
      ASSERT_GT(line.size(), place) << line;
      EXPECT_EQ(line.substr(place - 2, 2), "  ") << line;
      EXPECT_NE(line[place], ' ') << line;
    }
  }
}

TEST_F(NormctlTest, ASessionIsGivenByItsIdOrItsName) {
  const std::string input = Write("x.npy", {3, 2}, {1, 2, 3, 4, 5, 9});
  Output({"session", "create", "sessions/s", "--channels", "2", "--estimator", "cumulative"});
  EXPECT_EQ(Output({"session", "get", "sessions/s"}), Output({"session", "get", "s"}));
  Output({"stream", input, "--session", "sessions/s", "--mode", "streaming"});
  Output({"stream", input, "--session", "s", "--mode", "streaming"});
  Output({"normalize", input, "--session", "sessions/s"});
  Output({"session", "delete", "sessions/s"});
}

TEST_F(NormctlTest, HealthTellsByItsExitCode) {
  EXPECT_EQ(Output({"health"}), "SERVING\n");
  EXPECT_EQ(Output({"health", "normd.v1.NormalizationService"}), "SERVING\n");
  EXPECT_EQ(Output({"health", "--json"}), "{\"status\": \"SERVING\"}\n");
  const CommandResult unknown = Normctl({"health", "normd.v1.Nothing"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.error, HasSubstr("normctl: "));
}

TEST_F(NormctlTest, ASessionsWholeLife) {
  EXPECT_THAT(Output({"session", "create", "s", "--method", "batch_norm", "--channels", "2",
                      "--estimator", "cumulative"}),
              HasSubstr("sessions/s  2 channels, 0 values per channel"));
  const std::string input = Write("x.npy", {3, 2}, {1, 2, 3, 4, 5, 9});
  Output({"stream", input, "--session", "s", "--mode", "streaming"});
  EXPECT_THAT(Output({"session", "get", "s"}), HasSubstr("3 values per channel"));
  EXPECT_THAT(Output({"session", "list"}), HasSubstr("sessions/s  "));
  EXPECT_THAT(Output({"session", "get", "s", "--json"}), HasSubstr("\"frozen\": false"));

  EXPECT_THAT(Output({"session", "freeze", "s"}), HasSubstr(", frozen"));
  const CommandResult frozen = Normctl({"stream", input, "--session", "s", "--mode", "streaming"});
  EXPECT_EQ(frozen.exit_code, 1);
  EXPECT_THAT(frozen.error, HasSubstr("frozen"));
  Output(
      {"stream", input, "--session", "s", "--mode", "streaming", "--on-frozen", "normalize-only"});
  EXPECT_THAT(Output({"session", "get", "s"}), HasSubstr("3 values per channel"));

  EXPECT_THAT(Output({"session", "unfreeze", "s"}), Not(HasSubstr("frozen")));
  EXPECT_THAT(Output({"session", "reset", "s"}), HasSubstr("0 values per channel"));
  EXPECT_EQ(Output({"session", "delete", "s"}), "");
  const CommandResult gone = Normctl({"session", "get", "s"});
  EXPECT_EQ(gone.exit_code, 1);
  EXPECT_EQ(gone.error, "normctl: sessions/s does not exist\n");
}

TEST_F(NormctlTest, StreamNormalizesRowsInOrderWhateverTheChunks) {
  const std::string tokens = NORMD_TEST_DATA "/transformer_l1_tokens.npy";
  std::vector<float> first;
  for (const char* rows_per_chunk : {"1", "7", "128"}) {
    const std::string output = folder_ / "y.npy";
    const CommandResult result = Normctl({"stream", tokens, "-o", output, "--method", "layer_norm",
                                          "--rows-per-chunk", rows_per_chunk});
    ASSERT_EQ(result.exit_code, 0) << result.error;
    EXPECT_THAT(result.error, HasSubstr("4079 rows in "));
    const std::vector<float> values = Read(output);
    if (first.empty()) first = values;
    EXPECT_TRUE(values == first) << rows_per_chunk;
  }
  // The last token, in float64.
  const std::vector<float> input = Read(tokens);
  const float* x = input.data() + input.size() - 128;
  double mean = 0;
  double variance = 0;
  for (int i = 0; i < 128; ++i) mean += x[i] / 128.0;
  for (int i = 0; i < 128; ++i) variance += (x[i] - mean) * (x[i] - mean) / 128.0;
  ASSERT_EQ(first.size(), input.size());
  for (int i = 0; i < 128; ++i) {
    EXPECT_NEAR(first[first.size() - 128 + i], (x[i] - mean) / std::sqrt(variance + 1e-5), 4e-6);
  }
}

TEST_F(NormctlTest, StreamTakesARangeOfRowsOfAnyRank) {
  const std::string input = Write("x.npy", {3, 1, 2}, {0, 0, -1, 1, 0, 0});
  const std::string output = folder_ / "y.npy";
  Output(
      {"stream", input, "-o", output, "--rows", "1:2", "--method", "layer_norm", "--epsilon", "0"});
  const v1::Tensor array = ReadOrFail(output);
  EXPECT_THAT(array.shape(), ElementsAre(1, 1, 2));
  EXPECT_THAT(FloatsOf(array), ElementsAre(-1, 1));
  EXPECT_THAT(Output({"stream", input, "--method", "rms_norm", "--json"}),
              HasSubstr("{\"rows\": 3, \"seconds\": "));
}

TEST_F(NormctlTest, ARefusedChunkIsNamedAndNothingIsWritten) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::string input = Write("x.npy", {3, 2}, {1, 2, nan, 4, 5, 6});
  const std::string output = folder_ / "y.npy";
  const CommandResult result = Normctl({"stream", input, "-o", output, "--method", "layer_norm"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.error, HasSubstr("normctl: chunk 2: "));
  EXPECT_FALSE(std::filesystem::exists(output));
  Output({"stream", input, "-o", output, "--method", "layer_norm", "--propagate-non-finite"});
  EXPECT_EQ(Read(output).size(), 6);
}

TEST_F(NormctlTest, DiffTellsBits) {
  const std::string a = Write("a.npy", {2, 2}, {1, 2, 3, 4});
  const std::string b = Write("b.npy", {2, 2}, {1, 2, 3, 5});
  EXPECT_EQ(Output({"diff", a, b, "--field", "differing_bits"}), "1\n");
  EXPECT_EQ(Output({"diff", a, b, "--field", "differing_bits", "--rows", "0:1"}), "0\n");
  EXPECT_THAT(Output({"diff", a, b, "--json"}), HasSubstr("\"max\": 1"));
  const std::string c = Write("c.npy", {4}, {1, 2, 3, 4});
  EXPECT_THAT(Normctl({"diff", a, c}).error, HasSubstr("differ in shape"));
}

TEST_F(NormctlTest, ErrorsTellTheWayOut) {
  const CommandResult nobody =
      testing::RunCommand({NORMCTL_BINARY, "--server", "127.0.0.1:1", "health"});
  EXPECT_EQ(nobody.exit_code, 1);
  EXPECT_THAT(nobody.error, HasSubstr("Start one: normd --listen=127.0.0.1:1"));
  const std::string input = Write("x.npy", {1, 2}, {1, 2});
  const CommandResult neither = Normctl({"stream", input});
  EXPECT_EQ(neither.exit_code, 1);
  EXPECT_THAT(neither.error, HasSubstr("either --session ID or --method NAME"));
  const CommandResult both = Normctl({"stream", input, "--session", "s", "--epsilon", "1"});
  EXPECT_EQ(both.exit_code, 1);
  EXPECT_THAT(both.error, HasSubstr("a session has its own parameters"));
  const CommandResult training =
      Normctl({"stream", input, "--method", "batch_norm", "--mode", "training"});
  EXPECT_THAT(training.error, HasSubstr("use a session in mode STREAMING"));
  const CommandResult gamma = Normctl(
      {"stream", input, "--method", "layer_norm", "--gamma", Write("g.npy", {3}, {1, 1, 1})});
  EXPECT_THAT(gamma.error, HasSubstr("open.spec.layer_norm.affine.gamma"));
}

TEST_F(NormctlTest, WrongUsageExitsWithTwoAndHelpWithZero) {
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
           {}, {"streem"}, {"stream"}, {"session"}, {"stream", "x.npy", "--mode", "dreaming"}}) {
    const CommandResult result = Normctl(wrong);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.error, HasSubstr("--help"));
  }
  EXPECT_THAT(Output({"--help"}), HasSubstr("stream"));
}

}  // namespace
}  // namespace normd::cli
