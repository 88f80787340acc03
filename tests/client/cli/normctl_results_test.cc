// What normctl's commands make of tensors, by a real server's numbers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/client/cli/npy_files.h"
#include "tests/testing/normctl_fixture.h"

namespace normd::cli {
namespace {

using ::testing::AllOf;
using testing::CommandResult;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;

class NormctlResultsTest : public testing::NormctlFixture<testing::DefaultServer> {
 protected:
  const std::string tokens_ = NORMD_TEST_DATA "/transformer_l1_tokens.npy";
  const std::string lengths_ = NORMD_TEST_DATA "/transformer_l1_lengths.npy";
};

TEST_F(NormctlResultsTest, BytesGoInAndComeOutThroughPipes) {
  const CommandResult result = testing::RunCommand(
      {"/bin/bash", "-c",
       "printf '\\x80\\x3f\\x40\\x40' | " NORMCTL_BINARY " --server " + server_.address() +
           " stream - -o - --raw --type bfloat16 --shape -1,2 --method layer_norm --epsilon 0"});
  EXPECT_EQ(result.exit_code, 0) << result.error;
  EXPECT_EQ(result.out, "\x80\xBF\x80\x3F");  // -1, 1
}

TEST_F(NormctlResultsTest, ATrainedBatchNormNormalizesWithAndWithoutASession) {
  const std::string input = WriteFloats(folder_, "x.npy", {2, 2}, {1, 2, 3, 4});
  const std::vector<std::string> statistics = {
      "--mean",     WriteFloats(folder_, "m.npy", {2}, {1, 0}),
      "--variance", WriteFloats(folder_, "v.npy", {2}, {4, 1}),
      "--count",    "640",
      "--batches",  "10"};
  std::vector<std::string> normalize = {"normalize", input,        "-o",        folder_ / "a.npy",
                                        "--method",  "batch_norm", "--epsilon", "0",
                                        "--mode",    "inference"};
  normalize.insert(normalize.end(), statistics.begin(), statistics.end());
  Output(normalize);
  EXPECT_THAT(FloatsOf(ReadOrFail(folder_ / "a.npy")), ElementsAre(0, 2, 1, 4));

  std::vector<std::string> create = {"session", "create", "s", "--channels", "2", "--epsilon", "0"};
  create.insert(create.end(), statistics.begin(), statistics.end());
  EXPECT_THAT(Output(create), HasSubstr("640 values per channel"));
  Output({"stream", input, "-o", folder_ / "b.npy", "--session", "s", "--mode", "inference"});
  EXPECT_EQ(folder_.Read("b.npy"), folder_.Read("a.npy"));
  Output({"stream", folder_ / "b.npy", "-o", folder_ / "c.npy", "--session", "s", "--mode",
          "inference", "--inverse"});
  EXPECT_THAT(FloatsOf(ReadOrFail(folder_ / "c.npy")),
              ElementsAre(FloatNear(1, 1e-6f), FloatNear(2, 1e-6f), FloatNear(3, 1e-6f),
                          FloatNear(4, 1e-6f)));
}

TEST_F(NormctlResultsTest, NarrowOutputsAreCloseToWideOnes) {
  for (const auto& [name, bound] : {std::pair("float16", 1e-3), std::pair("bfloat16", 1e-2)}) {
    Output({"stream", tokens_, "-o", folder_ / "wide.npy", "--method", "rms_norm", "--output-type",
            "float64", "--rows-per-chunk", "64"});
    Output({"stream", tokens_, "-o", folder_ / "narrow.npy", "--method", "rms_norm",
            "--output-type", name, "--rows-per-chunk", "64"});
    const std::string gap = Output({"diff", folder_ / "wide.npy", folder_ / "narrow.npy", "--type",
                                    "bfloat16", "--field", "relative_rms"});
    EXPECT_GT(std::stod(gap), 0) << name;
    EXPECT_LT(std::stod(gap), bound) << name;
  }
}

TEST_F(NormctlResultsTest, PaddingDoesNotShow) {
  // Two sequences of 1 and 2 steps; what is beyond may be anything.
  const std::string padded = WriteFloats(folder_, "p.npy", {2, 2, 2}, {1, 3, NAN, 99, 2, 8, 8, 2});
  Output({"stream", padded, "-o", folder_ / "y.npy", "--lengths",
          WriteIntegers(folder_, "l.npy", {1, 2}), "--rows-per-chunk", "2", "--method",
          "layer_norm", "--epsilon", "0"});
  EXPECT_THAT(FloatsOf(ReadOrFail(folder_ / "y.npy")), ElementsAre(-1, 1, 0, 0, -1, 1, 1, -1));
}

TEST_F(NormctlResultsTest, MinMaxScalesByItsSession) {
  const std::string input = WriteFloats(folder_, "x.npy", {3, 1}, {2, 4, 6});
  Output({"session", "create", "s", "--method", "min_max", "--channels", "1", "--high", "10"});
  Output({"stream", input, "--session", "s", "--mode", "training", "--rows-per-chunk", "3"});
  Output({"stream", input, "-o", folder_ / "y.npy", "--session", "s"});
  EXPECT_THAT(FloatsOf(ReadOrFail(folder_ / "y.npy")), ElementsAre(0, 5, 10));
}

TEST_F(NormctlResultsTest, ComparePrintsWhatDistinguishesThem) {
  EXPECT_THAT(Output({"compare", tokens_, "--rows-per-chunk", "128"}),
              AllOf(HasSubstr("batch_norm"), HasSubstr("layer_norm"),
                    HasSubstr("BatchNorm is fine here: batches of 128 tokens"),
                    HasSubstr("arrival               128        31")));
  EXPECT_THAT(
      Output({"compare", tokens_, "--lengths", lengths_, "--rows-per-chunk", "1", "--json"}),
      HasSubstr("\"last_sequence_number\": \"200\""));
}

TEST_F(NormctlResultsTest, AProfileFillsWhatIsNotGiven) {
  const std::string input = WriteFloats(folder_, "x.npy", {1, 2}, {1, 3});
  EXPECT_THAT(
      Output({"normalize", input, "--method", "layer_norm", "--profile", "keras", "--json"}),
      AllOf(HasSubstr("PROFILE_KERAS"), HasSubstr("\"value\": 0.001")));
}

}  // namespace
}  // namespace normd::cli
