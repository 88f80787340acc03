// What normctl sends and writes that normalizes, or keeps sessions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/cli/normctl_wire_fixture.h"

namespace normd::cli {
namespace {

using ::testing::AllOf;
using testing::CommandResult;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(NormctlWireTest, EveryTypeIsStreamedAsItIs) {
  for (const auto& [name, type] : ElementTypes()) {
    const std::string input = Write("x.npy", type, {4, 3});
    std::vector<std::string> arguments = {"stream",          input,      "-o",
                                          folder_ / "y.npy", "--method", "layer_norm"};
    if (name == "bfloat16") arguments.insert(arguments.end(), {"--type", name});
    Output(arguments);
    EXPECT_EQ(server_.asked().open.element_type(), type);
    EXPECT_EQ(server_.asked().open.output_element_type(), v1::ELEMENT_TYPE_UNSPECIFIED);
    EXPECT_THAT(server_.asked().open.row_shape(), ElementsAre(3));
    EXPECT_EQ(folder_.Read("x.npy"), folder_.Read("y.npy")) << name;
  }
}

TEST_F(NormctlWireTest, RawFilesGoInAndOut) {
  folder_.Write("x.raw", "123456789012");
  Output({"stream", folder_ / "x.raw", "--raw", "--type", "float16", "--shape", "3,2", "-o",
          folder_ / "y.raw", "--method", "layer_norm", "--rows-per-chunk", "2"});
  EXPECT_EQ(folder_.Read("y.raw"), "123456789012");
  ASSERT_EQ(server_.asked().chunks.size(), 2);
  EXPECT_EQ(server_.asked().chunks[0].data(), "12345678");
  Output({"stream", folder_ / "x.raw", "--raw", "--type", "float32", "--shape", "-1,1", "--method",
          "layer_norm"});
  EXPECT_EQ(server_.asked().chunks.size(), 5);
  EXPECT_EQ(
      Normctl({"stream", folder_ / "x.raw", "--shape", "3,2", "--method", "layer_norm"}).exit_code,
      2);
  EXPECT_EQ(Normctl({"stream", folder_ / "x.raw", "--raw", "--type", "float32", "--shape", "3,x",
                     "--method", "layer_norm"})
                .exit_code,
            2);
}

TEST_F(NormctlWireTest, PipesCarryDataAndNothingElse) {
  Write("x.npy", v1::ELEMENT_TYPE_FLOAT64, {4, 3});
  const CommandResult npy =
      Shell("cat x.npy | normctl stream - -o - --method layer_norm | cat >y.npy");
  EXPECT_EQ(npy.exit_code, 0) << npy.error;
  EXPECT_THAT(npy.error, HasSubstr("4 rows in "));
  EXPECT_EQ(folder_.Read("y.npy"), folder_.Read("x.npy"));
  const CommandResult json =
      Shell("normctl --json stream - -o - --method layer_norm <x.npy >z.npy");
  EXPECT_EQ(json.exit_code, 0) << json.error;
  EXPECT_THAT(json.error, HasSubstr("\"rows\": 4"));
  EXPECT_EQ(folder_.Read("z.npy"), folder_.Read("x.npy"));
  const CommandResult raw = Shell(
      "printf 12345678 | normctl stream - -o - --raw --type bfloat16 --shape -1,2 --method "
      "layer_norm");
  EXPECT_EQ(raw.exit_code, 0) << raw.error;
  EXPECT_EQ(raw.out, "12345678");
  EXPECT_THAT(Shell("printf 123 | normctl stream - --method layer_norm").error,
              HasSubstr("normctl: -: is no .npy file"));
}

TEST_F(NormctlWireTest, ATypeThatTheFileContradictsIsRefused) {
  const std::string input = Write("x.npy", v1::ELEMENT_TYPE_FLOAT32, {1, 2});
  const CommandResult result =
      Normctl({"stream", input, "--type", "bfloat16", "--method", "layer_norm"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.error, HasSubstr("holds float32, not bfloat16 (--output-type"));
}

TEST_F(NormctlWireTest, TheOutputsTypeAndDirectionAreAsked) {
  const std::string input = Write("x.npy", v1::ELEMENT_TYPE_FLOAT32, {2, 2});
  Output({"stream", input, "--session", "s", "--mode", "inference", "--inverse", "--output-type",
          "float16", "-o", folder_ / "y.npy"});
  EXPECT_EQ(server_.asked().open.session(), "sessions/s");
  EXPECT_EQ(server_.asked().open.direction(), v1::DIRECTION_INVERSE);
  EXPECT_EQ(server_.asked().open.output_element_type(), v1::ELEMENT_TYPE_FLOAT16);
  EXPECT_THAT(folder_.Read("y.npy"), HasSubstr("'<f2'"));
}

TEST_F(NormctlWireTest, LengthsCutTokensIntoSequences) {
  const std::string input = Write("x.npy", v1::ELEMENT_TYPE_FLOAT32, {6, 2});
  const std::string lengths = WriteIntegers(folder_, "l.npy", {1, 3, 2});
  Output(
      {"stream", input, "--lengths", lengths, "--method", "layer_norm", "-o", folder_ / "y.npy"});
  ASSERT_EQ(server_.asked().chunks.size(), 3);
  EXPECT_EQ(server_.asked().chunks[1].data().size(), 3 * 2 * sizeof(float));
  EXPECT_EQ(server_.asked().chunks[1].lengths_size(), 0);
  EXPECT_EQ(folder_.Read("y.npy"), folder_.Read("x.npy"));
}

TEST_F(NormctlWireTest, PaddedRowsAndMasksGoWithEachChunk) {
  const std::string input = Write("x.npy", v1::ELEMENT_TYPE_FLOAT32, {3, 4, 2});
  Output({"stream", input, "--lengths", WriteIntegers(folder_, "l.npy", {4, 1, 2}), "--mask",
          WriteBooleans(folder_, "m.npy", {true, false, true}), "--rows-per-chunk", "2", "--method",
          "layer_norm"});
  EXPECT_THAT(server_.asked().open.row_shape(), ElementsAre(4, 2));
  ASSERT_EQ(server_.asked().chunks.size(), 2);
  EXPECT_THAT(server_.asked().chunks[0].lengths(), ElementsAre(4, 1));
  EXPECT_EQ(server_.asked().chunks[0].row_mask(), "\x01");
  EXPECT_THAT(server_.asked().chunks[1].lengths(), ElementsAre(2));
  const CommandResult wrong =
      Normctl({"stream", input, "--lengths", folder_ / "m.npy", "--method", "layer_norm"});
  EXPECT_THAT(wrong.error, HasSubstr("holds '|b1', and not '<i8'"));
}

TEST_F(NormctlWireTest, AResidualGoesWithItsRows) {
  const std::string input = Write("x.npy", v1::ELEMENT_TYPE_FLOAT32, {3, 2});
  const std::string residual = WriteFloats(folder_, "r.npy", {3, 2}, {1, 2, 3, 4, 5, 6});
  const std::vector<std::string> method = {"--residual", residual, "--method", "layer_norm"};
  const auto with_method = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), method.begin(), method.end());
    return arguments;
  };
  Output(with_method({"stream", input, "--rows", "1:", "--rows-per-chunk", "1"}));
  ASSERT_EQ(server_.asked().chunks.size(), 2);
  const std::string bytes = ReadOrFail(residual).data();
  EXPECT_EQ(server_.asked().chunks[0].residual(), bytes.substr(8, 8));
  EXPECT_EQ(server_.asked().chunks[1].residual(), bytes.substr(16, 8));
  Output(with_method({"normalize", input}));
  EXPECT_EQ(server_.asked().normalize_request.residual().SerializeAsString(),
            ReadOrFail(residual).SerializeAsString());
  for (const std::string& other : {Write("w.npy", v1::ELEMENT_TYPE_FLOAT32, {2, 3}),
                                   Write("t.npy", v1::ELEMENT_TYPE_FLOAT64, {3, 2})}) {
    EXPECT_THAT(Normctl(with_method({"stream", other})).error,
                HasSubstr("must be of the type and shape of"));
  }
}

TEST_F(NormctlWireTest, DiffTakesAnyTwoTypes) {
  const std::string wide = folder_ / "wide.npy";
  ASSERT_TRUE(WriteTensor(wide, client::ToTensor({2}, std::vector<double>{1, 2}), false).ok());
  const std::string narrow = WriteFloats(folder_, "narrow.npy", {2}, {1, 2.5f});
  EXPECT_EQ(Output({"diff", wide, narrow, "--field", "max"}), "0.5\n");
  const std::string bfloat16 =
      folder_.Write("b.npy", NpyHeader("<V2", {2}) + std::string("\x80\x3F\x00\x40", 4));
  EXPECT_EQ(Output({"diff", wide, bfloat16, "--type", "bfloat16", "--field", "differing_bits"}),
            "0\n");
  EXPECT_THAT(Normctl({"diff", wide, bfloat16}).error, HasSubstr("--type bfloat16"));
}

TEST_F(NormctlWireTest, OneBatchIsNormalizedByOneCall) {
  const std::string input = Write("x.npy", v1::ELEMENT_TYPE_FLOAT64, {3, 4, 2});
  Output({"normalize", input, "-o", folder_ / "y.npy", "--method", "layer_norm", "--lengths",
          WriteIntegers(folder_, "l.npy", {4, 1, 2}), "--mask",
          WriteBooleans(folder_, "m.npy", {true, false, true})});
  const v1::NormalizeRequest request = server_.asked().normalize_request;
  EXPECT_TRUE(request.spec().has_layer_norm());
  EXPECT_EQ(request.input().SerializeAsString(), ReadOrFail(input).SerializeAsString());
  EXPECT_THAT(request.lengths(), ElementsAre(4, 1, 2));
  EXPECT_EQ(request.row_mask(), "\x05");
  EXPECT_FALSE(request.has_statistics());
  EXPECT_FALSE(request.return_statistics());
  EXPECT_EQ(folder_.Read("y.npy"), folder_.Read("x.npy"));
}

TEST_F(NormctlWireTest, ABatchMayBringItsStatistics) {
  const std::string input = Write("x.npy", v1::ELEMENT_TYPE_FLOAT32, {3, 2});
  EXPECT_THAT(
      Output({"normalize", input, "--method", "batch_norm", "--mode", "inference", "--inverse",
              "--output-type", "float64", "--mean", WriteFloats(folder_, "m.npy", {2}, {1, 2}),
              "--variance", WriteFloats(folder_, "v.npy", {2}, {3, 4}), "--count", "5", "--json"}),
      AllOf(HasSubstr("\"mean_variance\""), HasSubstr("\"resolved_spec\"")));
  const v1::NormalizeRequest request = server_.asked().normalize_request;
  EXPECT_EQ(request.mode(), v1::BATCH_NORM_MODE_INFERENCE);
  EXPECT_EQ(request.direction(), v1::DIRECTION_INVERSE);
  EXPECT_EQ(request.output_element_type(), v1::ELEMENT_TYPE_FLOAT64);
  EXPECT_TRUE(request.return_statistics());
  const v1::Tensor& mean = request.statistics().mean_variance().mean();
  EXPECT_EQ(mean.element_type(), v1::ELEMENT_TYPE_FLOAT64);
  EXPECT_THAT(mean.shape(), ElementsAre(2));
  EXPECT_THAT(FloatsOf(mean), ElementsAre(1, 2));
  EXPECT_THAT(FloatsOf(request.statistics().mean_variance().variance()), ElementsAre(3, 4));
  EXPECT_THAT(FloatsOf(request.statistics().count()), ElementsAre(5));
}

TEST_F(NormctlWireTest, RowsOfOneDimensionAreSingleValues) {
  const std::string input = Write("x.npy", v1::ELEMENT_TYPE_FLOAT32, {3});
  Output({"normalize", input, "-o", folder_ / "y.npy", "--method", "layer_norm"});
  EXPECT_THAT(server_.asked().normalize_request.input().shape(), ElementsAre(3, 1));
  EXPECT_EQ(folder_.Read("y.npy"), folder_.Read("x.npy"));
  Output({"stream", input, "-o", folder_ / "z.npy", "--method", "layer_norm"});
  EXPECT_THAT(server_.asked().open.row_shape(), ElementsAre(1));
  EXPECT_EQ(folder_.Read("z.npy"), folder_.Read("x.npy"));
}

TEST_F(NormctlWireTest, NormalizeWorksInPipesToo) {
  Write("x.npy", v1::ELEMENT_TYPE_FLOAT16, {4, 3});
  const CommandResult result =
      Shell("normctl normalize - -o - --json --method rms_norm <x.npy | cat >y.npy");
  EXPECT_EQ(result.exit_code, 0) << result.error;
  EXPECT_THAT(result.error, HasSubstr("\"resolved_spec\""));
  EXPECT_EQ(folder_.Read("y.npy"), folder_.Read("x.npy"));
}

TEST_F(NormctlWireTest, ABatchAboveTheMessageLimitTellsTheWayOut) {
  const std::string input = Write("x.npy", v1::ELEMENT_TYPE_FLOAT64, {1 << 20});
  const CommandResult result = Normctl({"normalize", input, "--method", "layer_norm"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.error, HasSubstr("`normctl stream` sends any number of rows in chunks"));
}

TEST_F(NormctlWireTest, LengthsOfRowsOneAfterTheOtherAreNoBatch) {
  const std::string input = Write("x.npy", v1::ELEMENT_TYPE_FLOAT32, {3, 2});
  EXPECT_THAT(Normctl({"normalize", input, "--method", "layer_norm", "--lengths",
                       WriteIntegers(folder_, "l.npy", {1, 2})})
                  .error,
              HasSubstr("--lengths needs a batch"));
  EXPECT_THAT(Normctl({"normalize", input, "--method", "layer_norm", "--rows", "1:1"}).error,
              HasSubstr("no rows"));
}

TEST_F(NormctlWireTest, ASessionMayStartFromTrainedStatistics) {
  Output({"session", "create", "s", "--channels", "2", "--estimator", "cumulative-batch", "--mean",
          WriteFloats(folder_, "m.npy", {2}, {1, 2}), "--variance",
          WriteFloats(folder_, "v.npy", {2}, {3, 4}), "--count", "640", "--batches", "10"});
  const v1::RunningStatistics trained = server_.asked().create_request.session().statistics();
  EXPECT_EQ(trained.batches(), 10);
  EXPECT_THAT(FloatsOf(trained.count()), ElementsAre(640));
  EXPECT_THAT(trained.count().shape(), ElementsAre(1));
  EXPECT_THAT(FloatsOf(trained.mean_variance().variance()), ElementsAre(3, 4));

  Output({"session", "create", "e", "--method", "min_max", "--channels", "2", "--minimum",
          WriteFloats(folder_, "min.npy", {2}, {-1, 0}), "--maximum",
          WriteFloats(folder_, "max.npy", {2}, {1, 9})});
  const v1::RunningStatistics extremes = server_.asked().create_request.session().statistics();
  EXPECT_THAT(FloatsOf(extremes.minimum_maximum().minimum()), ElementsAre(-1, 0));
  EXPECT_THAT(FloatsOf(extremes.minimum_maximum().maximum()), ElementsAre(1, 9));
  EXPECT_FALSE(extremes.has_count());

  Output({"session", "create", "n", "--channels", "2"});
  EXPECT_FALSE(server_.asked().create_request.session().has_statistics());
}

TEST_F(NormctlWireTest, HalfOfRunningStatisticsIsRefused) {
  const std::string file = WriteFloats(folder_, "m.npy", {2}, {1, 2});
  for (const std::vector<std::string>& half : std::vector<std::vector<std::string>>{
           {"--mean", file},
           {"--maximum", file},
           {"--count", "3"},
           {"--mean", file, "--variance", file, "--minimum", file, "--maximum", file}}) {
    std::vector<std::string> arguments = {"session", "create", "s", "--channels", "2"};
    arguments.insert(arguments.end(), half.begin(), half.end());
    const CommandResult result = Normctl(arguments);
    EXPECT_EQ(result.exit_code, 1) << half[0];
    EXPECT_THAT(result.error, HasSubstr("--mean with --variance, or --minimum with --maximum"));
  }
}

}  // namespace
}  // namespace normd::cli
