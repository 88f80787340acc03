#include "core/comparison/variance_split.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/testing/random_values.h"
#include "tests/testing/token_values.h"

namespace normd {
namespace {

using testing::TokensOf;

VarianceSplit Split(const Tokens& tokens) {
  TokenScales scales;
  scales.Add(tokens);
  return scales.Result(testing::MomentsOf(tokens));
}

TEST(VarianceSplitTest, TwoTokensOfTwoChannels) {
  const std::vector<double> values = {1, 3, 2, 8};
  const VarianceSplit split = Split(TokensOf(values, 2));
  EXPECT_NEAR(split.token_share, 9.0 / 29, 1e-12);
  EXPECT_NEAR(split.channel_share, 16.0 / 29, 1e-12);
  EXPECT_NEAR(split.residual_share, 4.0 / 29, 1e-12);
  EXPECT_NEAR(split.token_scale_variation, 0.5, 1e-12);        // of 1 and 3
  EXPECT_NEAR(split.channel_scale_variation, 2.0 / 3, 1e-12);  // of 0.5 and 2.5
}

TEST(VarianceSplitTest, LayerNormsShareIsOfTokensThatDifferByAConstant) {
  const std::vector<double> values = {1, 1, 1, 5, 5, 5};
  const VarianceSplit split = Split(TokensOf(values, 3));
  EXPECT_EQ(split.token_share, 1);
  EXPECT_EQ(split.channel_share, 0);
  EXPECT_EQ(split.token_scale_variation, 0);
}

TEST(VarianceSplitTest, BatchNormsShareIsOfChannelsThatDifferByAConstant) {
  const std::vector<double> values = {1, 2, 6, 1, 2, 6};
  const VarianceSplit split = Split(TokensOf(values, 3));
  EXPECT_EQ(split.token_share, 0);
  EXPECT_EQ(split.channel_share, 1);
  EXPECT_EQ(split.channel_scale_variation, 0);
}

TEST(VarianceSplitTest, SharesAddToOneAndDoNotDependOnPieces) {
  for (int seed = 1; seed <= 5; ++seed) {
    const auto values = testing::RandomFloats(12 * 500, 3, 10, seed);
    const Tokens tokens = TokensOf(values, 12);
    const VarianceSplit whole = Split(tokens);
    EXPECT_NEAR(whole.token_share + whole.channel_share + whole.residual_share, 1, 1e-12);
    EXPECT_GT(whole.token_share, 0);
    EXPECT_GT(whole.channel_share, 0);
    TokenScales scales;
    int64_t begin = 0;
    for (const int64_t size : testing::RandomPartition(tokens.count, 50, seed)) {
      scales.Add(tokens.Slice(begin, 0));
      scales.Add(tokens.Slice(begin, size));
      begin += size;
    }
    const VarianceSplit pieces = scales.Result(testing::MomentsOf(tokens));
    EXPECT_NEAR(pieces.token_share, whole.token_share, 1e-12);
    EXPECT_NEAR(pieces.token_scale_variation, whole.token_scale_variation, 1e-12);
  }
}

TEST(VarianceSplitTest, ConstantsHaveNoShares) {
  const std::vector<double> values(12, 7.0);
  const VarianceSplit split = Split(TokensOf(values, 3));
  EXPECT_EQ(split.token_share, 0);
  EXPECT_EQ(split.channel_share, 0);
  EXPECT_EQ(split.residual_share, 0);
  EXPECT_EQ(split.token_scale_variation, 0);
  EXPECT_EQ(split.channel_scale_variation, 0);
}

}  // namespace
}  // namespace normd
