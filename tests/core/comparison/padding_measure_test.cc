#include "core/comparison/padding_measure.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/testing/compared_methods.h"
#include "tests/testing/token_values.h"

namespace normd {
namespace {

using testing::Compared;
using testing::TokensOf;

// The batch of github.com/tensorflow/tensorflow/issues/30161: as much padding as there are tokens.
const std::vector<float> kToy = {1, 2, 3, 4, 5};
const std::vector<float> kPaddedToy = {1, 2, 3, 4, 5, 0, 0, 0, 0, 0};

// All tokens, whose channels vary.
Moments Varying(int64_t channels) {
  Moments moments(channels);
  moments.count = 2;
  moments.m2.assign(channels, 1.0);
  return moments;
}

TEST(PaddingMeasureTest, ChannelsWithoutVarianceAreLeftOut) {
  PaddingMeasure measure({});
  const std::vector<float> padded = {1, 1000, 3, 1000, 0, 0, 0, 0};
  measure.Add(TokensOf(padded, 2).Slice(0, 2), TokensOf(padded, 2));
  Moments whole = Varying(2);
  whole.m2[1] = 0;
  EXPECT_DOUBLE_EQ(measure.Effect(whole)->mean_without, 2);
}

TEST(PaddingMeasureTest, TensorFlowsToy) {
  PaddingMeasure measure({});
  measure.Add(TokensOf(kToy, 1), TokensOf(kPaddedToy, 1));
  const auto effect = measure.Effect(Varying(1));
  ASSERT_TRUE(effect.has_value());
  EXPECT_DOUBLE_EQ(effect->mean_without, 3);
  EXPECT_DOUBLE_EQ(effect->mean_with, 1.5);
  EXPECT_DOUBLE_EQ(effect->variance_without, 2);
  EXPECT_DOUBLE_EQ(effect->variance_with, 3.25);
}

TEST(PaddingMeasureTest, AveragesChannelsAndBatches) {
  PaddingMeasure measure({});
  const std::vector<float> padded = {1, 10, 3, 30, 0, 0, 0, 0};
  measure.Add(TokensOf(padded, 2).Slice(0, 2), TokensOf(padded, 2));
  measure.Add(TokensOf(padded, 2).Slice(0, 1), TokensOf(padded, 2).Slice(0, 1));
  const auto effect = measure.Effect(Varying(2));
  ASSERT_TRUE(effect.has_value());
  EXPECT_DOUBLE_EQ(effect->mean_without, ((2 + 20) / 2.0 + (1 + 10) / 2.0) / 2);
  EXPECT_DOUBLE_EQ(effect->mean_with, ((1 + 10) / 2.0 + (1 + 10) / 2.0) / 2);
  EXPECT_DOUBLE_EQ(effect->variance_without, (1 + 100) / 2.0 / 2);
  EXPECT_DOUBLE_EQ(effect->variance_with, (1.5 + 150) / 2.0 / 2);
}

TEST(PaddingMeasureTest, MeasuresOutputsOfValidTokens) {
  const std::vector<ComparedMethod> methods = {Compared(testing::BatchNormSpec(), 1),
                                               Compared(testing::LayerNormSpec(), 1)};
  PaddingMeasure measure(methods);
  measure.Add(TokensOf(kToy, 1), TokensOf(kPaddedToy, 1));
  double difference_squares = 0;
  double squares = 0;
  for (const float value : kToy) {
    const double without = (value - 3) / std::sqrt(2 + 1e-5);
    const double with = (value - 1.5) / std::sqrt(3.25 + 1e-5);
    difference_squares += (with - without) * (with - without);
    squares += without * without;
  }
  ASSERT_TRUE(measure.GapOf(0).has_value());
  EXPECT_NEAR(*measure.GapOf(0), std::sqrt(difference_squares / squares), 1e-6);
  EXPECT_EQ(measure.GapOf(1), 0);
}

TEST(PaddingMeasureTest, PaddingThatIsLikeTokensHasNoEffect) {
  const std::vector<ComparedMethod> methods = {Compared(testing::BatchNormSpec(), 1)};
  PaddingMeasure measure(methods);
  const std::vector<float> padded = {1, 3, 1, 3};
  measure.Add(TokensOf(padded, 1).Slice(0, 2), TokensOf(padded, 1));
  ASSERT_TRUE(measure.Effect(Varying(1)).has_value());
  EXPECT_EQ(measure.Effect(Varying(1))->variance_with,
            measure.Effect(Varying(1))->variance_without);
  EXPECT_EQ(measure.GapOf(0), 0);
}

TEST(PaddingMeasureTest, IsAbsentWithoutPadding) {
  const std::vector<ComparedMethod> methods = {Compared(testing::BatchNormSpec(), 1)};
  PaddingMeasure measure(methods);
  EXPECT_FALSE(measure.Effect(Varying(1)).has_value());
  measure.Add(TokensOf(kToy, 1), TokensOf(kToy, 1));
  EXPECT_FALSE(measure.Effect(Varying(1)).has_value());
  EXPECT_FALSE(measure.GapOf(0).has_value());
}

TEST(PaddingMeasureTest, ABatchOfPaddingAloneIsLeftOut) {
  PaddingMeasure measure({});
  measure.Add(TokensOf(kPaddedToy, 1).Slice(5, 0), TokensOf(kPaddedToy, 1).Slice(5, 5));
  EXPECT_FALSE(measure.Effect(Varying(1)).has_value());
}

TEST(PaddingMeasureTest, AMethodThatCannotTellTokensHasNoGap) {
  // Normalizes rows of two tokens together.
  const Shape shape = {2, 1};
  const auto rows = ComparedMethod::Create(
      testing::NormalizerOf({.method = Method::kLayerNorm, .normalized_rank = 2}, shape), shape,
      {1, 1, 1});
  ASSERT_TRUE(rows.ok());
  const std::vector<ComparedMethod> methods = {*rows};
  PaddingMeasure measure(methods);
  measure.Add(TokensOf(kToy, 1), TokensOf(kPaddedToy, 1));
  EXPECT_FALSE(measure.GapOf(0).has_value());
}

}  // namespace
}  // namespace normd
