#include "core/comparison/group_split.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "tests/testing/random_values.h"
#include "tests/testing/token_values.h"

namespace normd {
namespace {

using testing::TokensOf;

std::optional<Grouping> Split(const std::vector<std::vector<double>>& groups, int64_t channels) {
  GroupSplit split(channels);
  for (const auto& group : groups) split.Add(testing::MomentsOf(TokensOf(group, channels)));
  return split.Result();
}

TEST(GroupSplitTest, TwoGroupsOfOneSize) {
  const auto result = Split({{1, 2, 3}, {4, 5, 6}}, 1);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->groups, 2);
  EXPECT_EQ(result->tokens, 6);
  EXPECT_NEAR(result->within_share, 4 / 17.5, 1e-12);
  // Mean squares of 13.5 and 1; 3 tokens a group.
  EXPECT_NEAR(result->intraclass_correlation, 12.5 / 15.5, 1e-12);
}

TEST(GroupSplitTest, TwoGroupsOfUnequalSizes) {
  const auto result = Split({{0, 2}, {4, 6, 8, 10}}, 1);
  ASSERT_TRUE(result.has_value());
  EXPECT_NEAR(result->within_share, 22.0 / 70, 1e-12);
  // Mean squares of 48 and 5.5; 6 - 20 / 6 tokens a group.
  EXPECT_NEAR(result->intraclass_correlation, 42.5 / (48 + 5.0 / 3 * 5.5), 1e-12);
}

TEST(GroupSplitTest, GroupsOfOneMeanAreLessAlikeThanChance) {
  const auto result = Split({{1, 3}, {3, 1}}, 1);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->within_share, 1);
  EXPECT_EQ(result->intraclass_correlation, -1);
}

TEST(GroupSplitTest, ConstantGroupsThatDifferAreAllThereIs) {
  const auto result = Split({{1, 1}, {2, 2}, {5, 5, 5}}, 1);
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->within_share, 0);
  EXPECT_EQ(result->intraclass_correlation, 1);
}

TEST(GroupSplitTest, AveragesChannelsWithVariance) {
  // The channels of the first two tests, in part, and one that is constant.
  const auto result = Split({{1, 7, 1, 3, 7, 3}, {4, 7, 3, 6, 7, 1}}, 3);
  ASSERT_TRUE(result.has_value());
  const auto first = Split({{1, 3}, {4, 6}}, 1);
  const auto last = Split({{1, 3}, {3, 1}}, 1);
  ASSERT_TRUE(first.has_value() && last.has_value());
  EXPECT_NEAR(result->within_share, (first->within_share + last->within_share) / 2, 1e-12);
  EXPECT_NEAR(result->intraclass_correlation,
              (first->intraclass_correlation + last->intraclass_correlation) / 2, 1e-12);
}

TEST(GroupSplitTest, IndependentTokensHaveNoCorrelation) {
  GroupSplit split(16);
  const auto values = testing::RandomFloats(16 * 8000);
  const Tokens tokens = TokensOf(values, 16);
  for (int64_t group = 0; group < 400; ++group) {
    split.Add(testing::MomentsOf(tokens.Slice(20 * group, 20)));
  }
  const auto result = split.Result();
  ASSERT_TRUE(result.has_value());
  EXPECT_NEAR(result->intraclass_correlation, 0, 0.005);
}

TEST(GroupSplitTest, IsAbsentWhereNothingCanBeSplit) {
  EXPECT_FALSE(Split({}, 1).has_value());
  EXPECT_FALSE(Split({{1, 2, 3}}, 1).has_value());
  EXPECT_FALSE(Split({{1}, {2}, {3}}, 1).has_value());
  EXPECT_FALSE(Split({{7, 7}, {7, 7}}, 1).has_value());
}

}  // namespace
}  // namespace normd
