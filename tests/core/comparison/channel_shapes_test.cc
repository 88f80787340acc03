#include "core/comparison/channel_shapes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/testing/random_values.h"
#include "tests/testing/token_values.h"

namespace normd {
namespace {

using testing::TokensOf;

template <typename T>
ChannelShapes ShapesOf(const std::vector<T>& values, int64_t channels) {
  const Tokens tokens = TokensOf(values, channels);
  const Moments moments = testing::MomentsOf(tokens);
  ChannelShapeSums sums(moments);
  sums.Add(tokens.Slice(0, tokens.count / 2));
  sums.Add(tokens.Slice(tokens.count / 2, tokens.count - tokens.count / 2));
  return sums.Result();
}

TEST(ChannelShapesTest, KurtosisOfTwoValues) {
  const auto shapes = ShapesOf<float>({-1, 3, -1, 3}, 1);
  ASSERT_EQ(shapes.outstanding.size(), 1);
  EXPECT_EQ(shapes.count, 1);
  EXPECT_EQ(shapes.outliers, 0);
  EXPECT_NEAR(shapes.median_kurtosis, 1, 1e-12);
  EXPECT_EQ(shapes.outstanding[0].index, 0);
  EXPECT_EQ(shapes.outstanding[0].mean, 1);
  EXPECT_EQ(shapes.outstanding[0].deviation, 2);
  EXPECT_NEAR(shapes.outstanding[0].kurtosis, 1, 1e-12);
  EXPECT_EQ(shapes.outstanding[0].largest_magnitude, 3);
}

TEST(ChannelShapesTest, KurtosisOfOneInFour) {
  EXPECT_NEAR(ShapesOf<float>({0, 0, -2, 0}, 1).median_kurtosis, 7.0 / 3, 1e-12);
}

TEST(ChannelShapesTest, KurtosisOfNormalValues) {
  EXPECT_NEAR(ShapesOf(testing::RandomFloats(100'000), 1).median_kurtosis, 3, 0.1);
}

TEST(ChannelShapesTest, KurtosisDoesNotDependOnTheUnit) {
  for (const double unit : {1e-120, 1e-100, 1e100, 1e140}) {
    EXPECT_NEAR(ShapesOf<double>({0, 0, 2 * unit, 0}, 1).median_kurtosis, 7.0 / 3, 1e-12) << unit;
  }
}

TEST(ChannelShapesTest, ConstantChannelsAreLeftOut) {
  const auto shapes = ShapesOf<float>({7, -1, 7, 1, 7, 0, 7, 0}, 2);
  EXPECT_EQ(shapes.count, 2);
  EXPECT_EQ(shapes.without_variance, 1);
  ASSERT_EQ(shapes.outstanding.size(), 1);
  EXPECT_EQ(shapes.outstanding[0].index, 1);
  EXPECT_NEAR(shapes.median_kurtosis, 2, 1e-12);
  const auto none = ShapesOf<float>({7, 7}, 1);
  EXPECT_EQ(none.without_variance, 1);
  EXPECT_TRUE(none.outstanding.empty());
}

// Tokens of -1 and 1 in turn in all of five channels, but that the fourth's are `scale` times as
// large.
std::vector<float> Scaled(float scale) {
  std::vector<float> values;
  for (const float value : {-1.0f, 1.0f}) {
    for (int channel = 0; channel < 5; ++channel) {
      values.push_back(channel == 3 ? scale * value : value);
    }
  }
  return values;
}

TEST(ChannelShapesTest, AChannelOfSixTimesTheDeviationIsNoOutlierAndOneOfMoreIs) {
  EXPECT_EQ(ShapesOf(Scaled(6), 5).outliers, 0);
  const auto shapes = ShapesOf(Scaled(6.5), 5);
  EXPECT_EQ(shapes.outliers, 1);
  ASSERT_FALSE(shapes.outstanding.empty());
  EXPECT_EQ(shapes.outstanding.front().index, 3);
}

TEST(ChannelShapesTest, AChannelWithOneMassiveValueIsAnOutlier) {
  // One of n values is 1, the others 0: about sqrt(n) deviations.
  std::vector<float> values(390);
  values[100] = 1;
  EXPECT_EQ(ShapesOf(values, 1).outliers, 0);
  values.resize(410);
  EXPECT_EQ(ShapesOf(values, 1).outliers, 1);
}

TEST(ChannelShapesTest, NamesSixteenChannelsByWhatStandsOut) {
  std::vector<float> values;
  for (const float value : {-1.0f, 1.0f}) {
    for (int channel = 0; channel < 40; ++channel) {
      values.push_back(channel == 30 ? value + 9 : static_cast<float>(channel + 1) * value);
    }
  }
  const auto shapes = ShapesOf(values, 40);
  ASSERT_EQ(shapes.outstanding.size(), 16);
  EXPECT_EQ(shapes.outstanding[0].index, 39);
  EXPECT_EQ(shapes.outstanding[1].index, 38);
  const bool names_mean =
      std::any_of(shapes.outstanding.begin(), shapes.outstanding.end(),
                  [](const ChannelShape& channel) { return channel.index == 30; });
  EXPECT_FALSE(names_mean);  // 9 is half of the median deviation
}

}  // namespace
}  // namespace normd
