#include "client/cli/spec_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cli/npy.h"

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
  EXPECT_FALSE(batch->batch_norm().estimator().batch_ema().has_momentum());
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

TEST(SpecFlagsTest, AffineParametersComeFromFiles) {
  const std::string path = ::testing::TempDir() + "/spec_flags_test_gamma.npy";
  ASSERT_TRUE(WriteNpy(path, Array{{2}, {1.0f, -2.0f}}).ok());
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
