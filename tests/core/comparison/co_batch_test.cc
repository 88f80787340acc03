#include "core/comparison/co_batch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/testing/compared_methods.h"
#include "tests/testing/random_values.h"
#include "tests/testing/token_values.h"

namespace normd {
namespace {

using testing::Compared;

constexpr int64_t kWidth = 6;

// Tokens of `values`, one by one.
SingleTokens SinglesOf(const std::vector<float>& values, int64_t channels = kWidth) {
  SingleTokens singles;
  singles.Add(testing::TokensOf(values, channels));
  return singles;
}

StopRequest& Never() {
  static const auto no = [] { return false; };
  static StopRequest never(no);
  return never;
}

// Of ten of 500 tokens, in 8 batches.
std::optional<Estimate> SensitivityIn(const NormalizationSpec& spec, int64_t batch_size,
                                      uint64_t seed = 1) {
  const auto values = testing::RandomFloats(500 * kWidth);
  SingleTokens probes;
  probes.Add(testing::TokensOf(values, kWidth).Slice(0, 10));
  const auto outputs = OutputsAmongMates(Compared(spec, kWidth), SinglesOf(values), probes,
                                         batch_size, 8, seed, Never());
  EXPECT_TRUE(outputs.has_value());
  return outputs ? SensitivityOf(*outputs, kWidth) : std::nullopt;
}

TEST(CoBatchTest, LayerNormDoesNotDependOnMatesAtAll) {
  for (const int64_t batch_size : {2, 8, 128}) {
    const auto sensitivity = SensitivityIn(testing::LayerNormSpec(), batch_size);
    ASSERT_TRUE(sensitivity.has_value());
    EXPECT_EQ(sensitivity->value, 0);
    EXPECT_EQ(sensitivity->high, 0);
  }
}

TEST(CoBatchTest, BatchNormDependsOnThemLessInLargerBatches) {
  for (const Estimator& estimator : {Estimator(Cumulative()), Estimator(BatchEma())}) {
    double last = std::numeric_limits<double>::infinity();
    for (const int64_t batch_size : {2, 8, 32, 128, 512}) {
      const auto sensitivity = SensitivityIn(testing::BatchNormSpec(estimator), batch_size);
      ASSERT_TRUE(sensitivity.has_value());
      EXPECT_LT(sensitivity->value, last) << batch_size;
      EXPECT_GT(sensitivity->value, 0) << batch_size;
      last = sensitivity->value;
    }
  }
}

TEST(CoBatchTest, BatchNormDependsOnThemAsTheirMeanAndDeviationVary) {
  // Means vary by 1 / n, deviations by half of that: an output of z by (1 + z^2 / 2) / n. Eight of
  // them have 7 / 8 of it about their own mean.
  const auto values = testing::RandomFloats(500 * kWidth);
  const Moments moments = testing::MomentsOf(testing::TokensOf(values, kWidth));
  double expected = 0;
  for (int token = 0; token < 10; ++token) {
    double square = 0;
    for (int64_t c = 0; c < kWidth; ++c) {
      const double distance = values[token * kWidth + c] - moments.mean[c];
      square += distance * distance / (moments.m2[c] / moments.count);
    }
    expected += std::sqrt((kWidth + square / 2) / square / 512 * 7 / 8) / 10;
  }
  BlockMeans mean;
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    const auto sensitivity = SensitivityIn(testing::BatchNormSpec(), 512, seed);
    ASSERT_TRUE(sensitivity.has_value());
    mean.Add(sensitivity->value);
  }
  EXPECT_NEAR(mean.mean(), expected, 0.05 * expected);
}

TEST(CoBatchTest, MinMaxDependsOnTheMatesExtremes) {
  const auto small = SensitivityIn(testing::MinMaxSpec(), 2);
  const auto large = SensitivityIn(testing::MinMaxSpec(), 512);
  ASSERT_TRUE(small.has_value() && large.has_value());
  EXPECT_GT(large->value, 0);
  EXPECT_LT(large->value, small->value);
}

TEST(CoBatchTest, OutputsAreThoseOfTheTokenInItsBatch) {
  const std::vector<float> mate = {0};
  const std::vector<float> probe = {3};
  const auto outputs = OutputsAmongMates(Compared(testing::BatchNormSpec(), 1), SinglesOf(mate, 1),
                                         SinglesOf(probe, 1), 4, 2, 1, Never());
  ASSERT_TRUE(outputs.has_value());
  ASSERT_EQ(outputs->size(), 2);
  for (const std::vector<double>& output : *outputs) {
    ASSERT_EQ(output.size(), 1);
    // A mean of 0.75 and a variance of 9 * 3 / 16.
    EXPECT_NEAR(output[0], 2.25 / std::sqrt(27.0 / 16 + 1e-5), 1e-6);
  }
}

TEST(CoBatchTest, ABatchOfOneHasNoMates) {
  const std::vector<float> values = {1, 2};
  EXPECT_FALSE(OutputsAmongMates(Compared(testing::BatchNormSpec(), 1), SinglesOf(values, 1),
                                 SinglesOf(values, 1), 1, 2, 1, Never())
                   .has_value());
}

TEST(CoBatchTest, SensitivityIsTheDeviationOverTheRootMeanSquare) {
  // Of one token with two channels: squared distances of 1 each, squares of 5 and 26.
  const auto one = SensitivityOf({{1, 5}, {3, 7}}, 2);
  ASSERT_TRUE(one.has_value());
  EXPECT_NEAR(one->value, std::sqrt(4.0 / (1 + 9 + 25 + 49)), 1e-12);
  // The mean of that of 1 and 3, and of 0; the last token is left out.
  const auto two = SensitivityOf({{1, 4, 0}, {3, 4, 0}}, 1);
  ASSERT_TRUE(two.has_value());
  EXPECT_NEAR(two->value, std::sqrt(0.2) / 2, 1e-12);
  EXPECT_FALSE(SensitivityOf({{0}, {0}}, 1).has_value());
  EXPECT_FALSE(SensitivityOf({}, 1).has_value());
}

TEST(CoBatchTest, NamesTheChannelThatVariesMost) {
  EXPECT_EQ(MostVariedChannel({{1, -9, 5}, {2, -5, 5}, {0, -6, 8}}), 1);
}

}  // namespace
}  // namespace normd
