#include "core/comparison/estimate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/testing/random_values.h"

namespace normd {
namespace {

BlockMeans MeansOf(const std::vector<double>& values) {
  BlockMeans means;
  for (const double value : values) means.Add(value);
  return means;
}

// 1, 2, ..., count.
std::vector<double> CountTo(int count) {
  std::vector<double> values;
  for (int i = 1; i <= count; ++i) values.push_back(i);
  return values;
}

void ExpectInterval(const Estimate& estimate, double reach) {
  ASSERT_TRUE(estimate.low.has_value());
  ASSERT_TRUE(estimate.high.has_value());
  EXPECT_NEAR(*estimate.low, estimate.value - reach, 1e-12);
  EXPECT_NEAR(*estimate.high, estimate.value + reach, 1e-12);
}

TEST(EstimateTest, IsAbsentWithoutValues) { EXPECT_FALSE(BlockMeans().Result().has_value()); }

TEST(EstimateTest, HasNoIntervalForFewerThanEightValues) {
  const auto estimate = MeansOf(CountTo(7)).Result();
  ASSERT_TRUE(estimate.has_value());
  EXPECT_EQ(estimate->value, 4);
  EXPECT_FALSE(estimate->low.has_value());
  EXPECT_FALSE(estimate->high.has_value());
}

TEST(EstimateTest, EightValuesAreEightBlocks) {
  const auto estimate = MeansOf(CountTo(8)).Result();
  ASSERT_TRUE(estimate.has_value());
  EXPECT_EQ(estimate->value, 4.5);
  // A sample variance of 6, and 7 degrees of freedom.
  ExpectInterval(*estimate, 2.364624251592784 * std::sqrt(6.0 / 8));
}

TEST(EstimateTest, AMeanOverAnotherHasTheIntervalOfTheirResiduals) {
  // 1, 3, 1, 3, ... over 2: residuals of 1 about 1.
  const auto estimate = MeansOf({1, 3, 1, 3, 1, 3, 1, 3}).Over(MeansOf({2, 2, 2, 2, 2, 2, 2, 2}));
  ASSERT_TRUE(estimate.has_value());
  EXPECT_EQ(estimate->value, 1);
  ExpectInterval(*estimate, 2.364624251592784 * std::sqrt(8.0 / 7 / 8) / 2);
  // What rises and falls with it has none.
  ExpectInterval(*MeansOf(CountTo(40)).Over(MeansOf(CountTo(40))), 0);
  EXPECT_FALSE(MeansOf(CountTo(7)).Over(MeansOf(CountTo(7)))->low.has_value());
  EXPECT_FALSE(BlockMeans().Over(BlockMeans()).has_value());
}

TEST(EstimateTest, TheIntervalOfARatioHoldsItAsOftenAsItSays) {
  constexpr int kTrials = 2000;
  int held = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    const auto sizes = testing::RandomDoubles(100, 1, 9, 2 * trial);
    auto values = testing::RandomDoubles(100, 0, 1, 2 * trial + 1);
    for (size_t i = 0; i < values.size(); ++i) values[i] *= sizes[i];  // half of them, on average
    const auto estimate = MeansOf(values).Over(MeansOf(sizes));
    if (*estimate->low <= 0.5 && *estimate->high >= 0.5) ++held;
  }
  EXPECT_NEAR(held, 0.95 * kTrials, 0.02 * kTrials);
}

TEST(EstimateTest, ThirtyTwoValuesAreAsManyBlocks) {
  const auto estimate = MeansOf(CountTo(32)).Result();
  ASSERT_TRUE(estimate.has_value());
  EXPECT_EQ(estimate->value, 16.5);
  ExpectInterval(*estimate, 2.039513446396408 * std::sqrt(88.0 / 32));
}

TEST(EstimateTest, TheThirtyThirdValueMergesBlocksAndEntersTheMeanOnly) {
  const auto estimate = MeansOf(CountTo(33)).Result();
  ASSERT_TRUE(estimate.has_value());
  EXPECT_EQ(estimate->value, 17);
  // Blocks of 1.5, 3.5, ..., 31.5.
  ExpectInterval(*estimate, 2.131449545559776 * std::sqrt(272.0 / 3 / 16));
}

TEST(EstimateTest, TheThirtyFourthValueFillsABlock) {
  const auto estimate = MeansOf(CountTo(34)).Result();
  ASSERT_TRUE(estimate.has_value());
  EXPECT_EQ(estimate->value, 17.5);
  ExpectInterval(*estimate, 2.119905299221255 * std::sqrt(102.0 / 17));
}

TEST(EstimateTest, ValuesThatRepeatTheirNeighborsDoNotNarrowTheInterval) {
  const auto values = testing::RandomDoubles(32, 5, 10);
  std::vector<double> repeated;
  for (const double value : values) repeated.insert(repeated.end(), 32, value);
  const auto once = MeansOf(values).Result();
  const auto often = MeansOf(repeated).Result();
  ASSERT_TRUE(once.has_value() && often.has_value());
  EXPECT_NEAR(often->value, once->value, 1e-12);
  ExpectInterval(*often, *once->high - once->value);
}

TEST(EstimateTest, IntervalsDoNotDependOnTheUnit) {
  const auto expected = MeansOf(CountTo(40)).Result();
  for (const double unit : {0x1p-900, 0x1p900}) {
    auto values = CountTo(40);
    for (double& value : values) value *= unit;
    const auto estimate = MeansOf(values).Result();
    ASSERT_TRUE(expected.has_value() && estimate.has_value());
    EXPECT_EQ(*estimate->low, *expected->low * unit);
    EXPECT_EQ(*estimate->high, *expected->high * unit);
  }
}

TEST(EstimateTest, LowIsNotBelowZero) {
  const auto estimate = MeansOf({0, 0, 0, 8, 0, 0, 0, 0}).Result();
  ASSERT_TRUE(estimate.has_value());
  EXPECT_EQ(estimate->value, 1);
  EXPECT_EQ(estimate->low, 0);
  EXPECT_NEAR(*estimate->high, 1 + 2.364624251592784, 1e-12);
}

TEST(EstimateTest, TimesAndRootTakeTheIntervalAlong) {
  const Estimate estimate{4, 1, 9};
  const Estimate twice = estimate.Times(2);
  EXPECT_EQ(twice.value, 8);
  EXPECT_EQ(twice.low, 2);
  EXPECT_EQ(twice.high, 18);
  const Estimate root = estimate.Root();
  EXPECT_EQ(root.value, 2);
  EXPECT_EQ(root.low, 1);
  EXPECT_EQ(root.high, 3);
  EXPECT_FALSE((Estimate{4, {}, {}}.Times(2).low.has_value()));
  EXPECT_FALSE((Estimate{4, {}, {}}.Root().high.has_value()));
}

}  // namespace
}  // namespace normd
