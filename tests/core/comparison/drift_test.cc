#include "core/comparison/drift.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <vector>

#include "tests/testing/random_values.h"
#include "tests/testing/token_values.h"

namespace normd {
namespace {

std::optional<Drift> DriftIn(const std::vector<float>& values, int64_t channels,
                             uint64_t seed = 1) {
  StreamSegments stream(channels);
  stream.Add(testing::TokensOf(values, channels));
  StopRequest never([] { return false; });
  return DriftOf(stream, seed, never);
}

TEST(DriftTest, IndependentTokensHaveNone) {
  int change_points = 0;
  for (int seed = 1; seed <= 20; ++seed) {
    const auto drift = DriftIn(testing::RandomFloats(8 * 4096, 3, 10, seed), 8, seed);
    ASSERT_TRUE(drift.has_value());
    EXPECT_LT(drift->excess, 0.1) << seed;
    EXPECT_GT(drift->mean_shift, 0);
    if (drift->change_point) ++change_points;
  }
  EXPECT_LE(change_points, 1);  // 1 % each
}

TEST(DriftTest, ChanceIsWhatIndependentQuartersGive) {
  const auto drift = DriftIn(testing::RandomFloats(8 * 4096), 8);
  ASSERT_TRUE(drift.has_value());
  // Quarters of 1024: E |z| sqrt(2 / 1024), and twice 2 / 1024 to first order.
  EXPECT_NEAR(drift->mean_shift_floor, 0.7979 * std::sqrt(2.0 / 1024), 0.004);
  EXPECT_NEAR(drift->symmetric_divergence_floor, 4.0 / 1024, 0.001);
}

TEST(DriftTest, FindsWhereTheMeanSteps) {
  for (const int64_t step : {200, 389, 512, 777}) {
    auto values = testing::RandomFloats(4 * 1024, 3, 1);
    for (size_t i = 4 * step; i < values.size(); ++i) values[i] += 2;
    const auto drift = DriftIn(values, 4);
    ASSERT_TRUE(drift.has_value());
    EXPECT_GT(drift->excess, 1);
    ASSERT_TRUE(drift->change_point.has_value());
    EXPECT_NEAR(static_cast<double>(*drift->change_point), static_cast<double>(step), 16);
  }
}

TEST(DriftTest, MeanShiftIsInDeviationsOfAll) {
  std::vector<float> values(32, -5.0f);
  values.resize(64, 5.0f);
  const auto drift = DriftIn(values, 1);
  ASSERT_TRUE(drift.has_value());
  EXPECT_NEAR(drift->mean_shift, 2, 1e-12);
  EXPECT_EQ(drift->symmetric_divergence, 0);  // quarters have no deviation
  EXPECT_EQ(drift->change_point, 32);
}

TEST(DriftTest, AChangeOfScaleIsSeenInTheDivergence) {
  auto values = testing::RandomFloats(8 * 4096, 0, 1);
  for (size_t i = values.size() / 2; i < values.size(); ++i) values[i] *= 2;
  const auto drift = DriftIn(values, 8);
  ASSERT_TRUE(drift.has_value());
  EXPECT_LT(drift->mean_shift, 0.1);
  EXPECT_NEAR(drift->symmetric_divergence, (4 + 0.25 - 2) / 2, 0.1);
  EXPECT_NEAR(drift->excess, std::sqrt(1.125), 0.05);
}

TEST(DriftTest, IsAbsentForFewSegmentsOrConstants) {
  EXPECT_FALSE(DriftIn(testing::RandomFloats(15), 1).has_value());
  EXPECT_TRUE(DriftIn(testing::RandomFloats(16), 1).has_value());
  EXPECT_FALSE(DriftIn(std::vector<float>(1000, 7.0f), 2).has_value());
}

TEST(DriftTest, ConstantChannelsAreLeftOut) {
  const auto values = testing::RandomFloats(1000);
  std::vector<float> with_constant;
  for (const float value : values) with_constant.insert(with_constant.end(), {value, 7});
  const auto alone = DriftIn(values, 1);
  const auto both = DriftIn(with_constant, 2);
  ASSERT_TRUE(alone.has_value() && both.has_value());
  EXPECT_NEAR(both->mean_shift, alone->mean_shift, 1e-12);
  EXPECT_NEAR(both->symmetric_divergence, alone->symmetric_divergence, 1e-12);
  EXPECT_NEAR(both->mean_shift_floor, alone->mean_shift_floor, 1e-12);
}

}  // namespace
}  // namespace normd
