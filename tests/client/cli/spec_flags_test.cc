#include "client/cli/spec_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/client/cli/npy_files.h"

namespace normd::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The spec that a command line stands for.
absl::StatusOr<v1::NormalizationSpec> Parse(std::vector<std::string> arguments) {
  CLI::App app;
  SpecFlags flags;
  flags.AddTo(app);
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
  app.parse(arguments);
  return ToSpec(flags);
}

TEST(SpecFlagsTest, WhatIsNotGivenIsLeftToTheServer) {
  const auto layer = Parse({"--method", "layer_norm"});
  ASSERT_TRUE(layer.ok());
  EXPECT_TRUE(layer->has_layer_norm());
  EXPECT_EQ(layer->layer_norm().ByteSizeLong(), 0);
  const auto batch = Parse({"--method", "batch_norm"});
  ASSERT_TRUE(batch.ok());
  EXPECT_EQ(batch->batch_norm().ByteSizeLong(), 0);
  const auto standardization = Parse({"--method", "standardization", "--profile", "keras"});
  ASSERT_TRUE(standardization.ok());
  EXPECT_EQ(standardization->standardization().ByteSizeLong(), 0);
  EXPECT_EQ(standardization->profile(), v1::PROFILE_KERAS);
}

TEST(SpecFlagsTest, ParametersReachTheirMethod) {
  const auto layer = Parse({"--method", "layer_norm", "--epsilon", "0.5", "--normalized-rank", "2",
                            "--propagate-non-finite"});
  ASSERT_TRUE(layer.ok());
  EXPECT_EQ(layer->layer_norm().epsilon().value(), 0.5);
  EXPECT_EQ(layer->layer_norm().normalized_rank(), 2);
  EXPECT_EQ(layer->non_finite(), v1::NON_FINITE_POLICY_PROPAGATE);

  const auto batch = Parse({"--method", "batch_norm", "--channel-axis", "-1", "--momentum", "0.99",
                            "--old-weight", "--biased"});
  ASSERT_TRUE(batch.ok());
  EXPECT_EQ(batch->batch_norm().channel_axis(), -1);
  const v1::BatchEma& ema = batch->batch_norm().estimator().batch_ema();
  EXPECT_EQ(ema.momentum(), 0.99);
  EXPECT_EQ(ema.convention(), v1::BatchEma::CONVENTION_OLD_WEIGHT);
  EXPECT_FALSE(ema.unbiased());

  const auto token =
      Parse({"--method", "batch_norm", "--estimator", "token-ema", "--alpha", "0.1"});
  ASSERT_TRUE(token.ok());
  EXPECT_EQ(token->batch_norm().estimator().token_ema().alpha(), 0.1);
  EXPECT_TRUE(Parse({"--method", "batch_norm", "--estimator", "cumulative"})
                  ->batch_norm()
                  .estimator()
                  .has_cumulative());
  EXPECT_FALSE(Parse({"--method", "batch_norm", "--estimator", "cumulative-batch", "--biased"})
                   ->batch_norm()
                   .estimator()
                   .cumulative_batch()
                   .unbiased());
}

TEST(SpecFlagsTest, EveryMethodHasItsOwnFlags) {
  const auto min_max = Parse({"--method", "min_max", "--low", "-1", "--high", "2"});
  ASSERT_TRUE(min_max.ok()) << min_max.status();
  EXPECT_EQ(min_max->min_max().low(), -1);
  EXPECT_EQ(min_max->min_max().high(), 2);
  const auto row_min_max =
      Parse({"--method", "row_min_max", "--low", "0", "--normalized-rank", "2"});
  ASSERT_TRUE(row_min_max.ok());
  EXPECT_TRUE(row_min_max->row_min_max().has_low());
  EXPECT_FALSE(row_min_max->row_min_max().has_high());

  const auto standardization = Parse(
      {"--method", "standardization", "--no-center", "--estimator", "token-ema", "--alpha", "0.5"});
  ASSERT_TRUE(standardization.ok()) << standardization.status();
  EXPECT_TRUE(standardization->standardization().has_center());
  EXPECT_FALSE(standardization->standardization().center());
  EXPECT_FALSE(standardization->standardization().has_scale());
  EXPECT_EQ(standardization->standardization().estimator().token_ema().alpha(), 0.5);
  const auto row = Parse({"--method", "row_standardization", "--no-scale"});
  ASSERT_TRUE(row.ok());
  EXPECT_TRUE(row->row_standardization().has_scale());
  EXPECT_FALSE(row->row_standardization().scale());

  const auto lp = Parse({"--method", "lp_norm", "--p", "infinity"});
  ASSERT_TRUE(lp.ok());
  EXPECT_EQ(lp->lp_norm().order(), v1::LpNorm::ORDER_INFINITY);
}

TEST(SpecFlagsTest, ProfileClipAndPlacementGoWithAnyMethod) {
  const std::pair<const char*, v1::Epsilon::Placement> placements[] = {
      {"inside-root", v1::Epsilon::PLACEMENT_INSIDE_ROOT},
      {"outside-root", v1::Epsilon::PLACEMENT_OUTSIDE_ROOT},
      {"clamp-variance", v1::Epsilon::PLACEMENT_CLAMP_VARIANCE},
      {"clamp-deviation", v1::Epsilon::PLACEMENT_CLAMP_DEVIATION}};
  for (const auto& [name, placement] : placements) {
    const auto spec = Parse({"--method", "layer_norm", "--profile", "onnx", "--clip", "3",
                             "--epsilon-placement", name});
    ASSERT_TRUE(spec.ok()) << spec.status();
    EXPECT_EQ(spec->profile(), v1::PROFILE_ONNX);
    EXPECT_EQ(spec->clip(), 3);
    EXPECT_EQ(spec->layer_norm().epsilon().placement(), placement);
    EXPECT_FALSE(spec->layer_norm().epsilon().has_value());
  }
  EXPECT_FALSE(Parse({"--method", "layer_norm"})->has_clip());
}

TEST(SpecFlagsTest, ThePartOfEpsilonThatWasGivenIsNamed) {
  const auto error = [](const char* flag, const char* value) {
    return std::string(Parse({"--method", "dynamic_tanh", flag, value}).status().message());
  };
  EXPECT_EQ(error("--epsilon-placement", "inside-root"),
            "--epsilon-placement does not apply to dynamic_tanh");
  EXPECT_EQ(error("--epsilon", "1"), "--epsilon does not apply to dynamic_tanh");
}

TEST(SpecFlagsTest, WhatAProfileSaysCanBeUnsaid) {
  const auto spec =
      Parse({"--method", "batch_norm", "--profile", "keras", "--unbiased", "--new-weight"});
  ASSERT_TRUE(spec.ok()) << spec.status();
  const v1::BatchEma& ema = spec->batch_norm().estimator().batch_ema();
  EXPECT_TRUE(ema.unbiased());
  EXPECT_EQ(ema.convention(), v1::BatchEma::CONVENTION_NEW_WEIGHT);
  EXPECT_FALSE(ema.has_momentum());
}

TEST(SpecFlagsTest, ASessionTakesNoneOfThem) {
  CLI::App app;
  SpecFlags flags;
  flags.AddTo(app);
  app.parse("", false);
  EXPECT_TRUE(RefuseSpecFlags(flags).ok());
  for (const char* argument : {"--profile keras", "--no-center", "--clip 1", "--biased",
                               "--propagate-non-finite", "--gamma x.npy", "--p 1"}) {
    CLI::App with;
    SpecFlags given;
    given.AddTo(with);
    with.parse(argument, false);
    EXPECT_TRUE(absl::IsInvalidArgument(RefuseSpecFlags(given))) << argument;
  }
}

TEST(SpecFlagsTest, AffineParametersComeFromFiles) {
  const testing::TemporaryFolder folder;
  const std::string path = WriteFloats(folder, "gamma.npy", {2}, {1, -2});
  const auto spec = Parse({"--method", "rms_norm", "--gamma", path});
  ASSERT_TRUE(spec.ok()) << spec.status();
  const v1::Tensor& gamma = spec->rms_norm().affine().gamma();
  EXPECT_EQ(gamma.element_type(), v1::ELEMENT_TYPE_FLOAT32);
  EXPECT_THAT(gamma.shape(), ElementsAre(2));
  EXPECT_EQ(gamma.data(), std::string("\0\0\x80\x3F\0\0\0\xC0", 8));
  EXPECT_FALSE(spec->rms_norm().affine().has_beta());
  EXPECT_THAT(Parse({"--method", "rms_norm", "--beta", "/nowhere.npy"}).status().message(),
              HasSubstr("/nowhere.npy"));
}

TEST(SpecFlagsTest, AFlagThatDoesNotApplyIsRefusedNotIgnored) {
  const std::vector<std::vector<std::string>> refused = {
      {"--method", "layer_norm", "--channel-axis", "1"},
      {"--method", "rms_norm", "--estimator", "cumulative"},
      {"--method", "batch_norm", "--normalized-rank", "1"},
      {"--method", "batch_norm", "--estimator", "cumulative", "--momentum", "0.1"},
      {"--method", "batch_norm", "--estimator", "cumulative", "--biased"},
      {"--method", "batch_norm", "--estimator", "token-ema", "--old-weight"},
      {"--method", "batch_norm", "--alpha", "0.1"},
      {"--method", "layer_norm", "--momentum", "0.1"},
      {"--method", "layer_norm", "--biased"},
      {"--method", "layer_norm", "--low", "1"},
      {"--method", "batch_norm", "--no-center"},
      {"--method", "rms_norm", "--no-scale"},
      {"--method", "min_max", "--epsilon", "1"},
      {"--method", "min_max", "--estimator", "cumulative"},
      {"--method", "row_min_max", "--channel-axis", "1"},
      {"--method", "row_standardization", "--momentum", "0.1"},
      {"--method", "standardization", "--gamma", "g.npy"},
      {"--method", "dynamic_tanh", "--epsilon-placement", "inside-root"},
      {"--method", "layer_norm", "--p", "1"},
  };
  for (const auto& arguments : refused) {
    const auto spec = Parse(arguments);
    EXPECT_TRUE(absl::IsInvalidArgument(spec.status())) << arguments[1] << " " << arguments[2];
    EXPECT_THAT(spec.status().message(), HasSubstr("does not apply to"));
  }
  EXPECT_THAT(Parse({}).status().message(), HasSubstr("--method is needed"));
}

}  // namespace
}  // namespace normd::cli
