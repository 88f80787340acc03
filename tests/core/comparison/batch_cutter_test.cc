#include "core/comparison/batch_cutter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/testing/random_values.h"
#include "tests/testing/same_bits.h"
#include "tests/testing/token_values.h"

namespace normd {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::Numbers;
using testing::SameBits;
using testing::TokensOf;
using Batches = std::vector<std::vector<float>>;

// Cuts tokens, and keeps the batches.
struct Cutting {
  BatchCutter cutter;
  Batches batches = {};

  void Add(const Tokens& tokens) {
    cutter.Add(tokens,
               [this](const Tokens& batch) { batches.push_back(testing::ValuesOf(batch)); });
  }
  void EndGroup() {
    cutter.EndGroup([this](const Tokens& batch) { batches.push_back(testing::ValuesOf(batch)); });
  }
};

TEST(BatchCutterTest, CutsAcrossPieces) {
  const auto values = Numbers(11);
  const Tokens tokens = TokensOf(values, 1);
  Cutting cutting{BatchCutter(4)};
  cutting.Add(tokens.Slice(0, 3));
  EXPECT_THAT(cutting.batches, IsEmpty());
  cutting.Add(tokens.Slice(3, 6));
  EXPECT_THAT(cutting.batches, ElementsAre(ElementsAre(0, 1, 2, 3), ElementsAre(4, 5, 6, 7)));
  cutting.Add(tokens.Slice(9, 0));
  cutting.Add(tokens.Slice(9, 2));
  EXPECT_EQ(cutting.batches.size(), 2);
}

TEST(BatchCutterTest, AGroupsEndLeavesOutWhatFillsNoBatch) {
  const auto values = Numbers(8);
  const Tokens tokens = TokensOf(values, 1);
  Cutting cutting{BatchCutter(3)};
  cutting.Add(tokens.Slice(0, 5));
  cutting.EndGroup();
  cutting.Add(tokens.Slice(5, 3));
  cutting.EndGroup();
  EXPECT_THAT(cutting.batches, ElementsAre(ElementsAre(0, 1, 2), ElementsAre(5, 6, 7)));
}

TEST(BatchCutterTest, SizeZeroMakesABatchOfEachGroup) {
  const auto values = Numbers(6);
  const Tokens tokens = TokensOf(values, 1);
  Cutting cutting{BatchCutter(0)};
  cutting.Add(tokens.Slice(0, 1));
  cutting.Add(tokens.Slice(1, 3));
  EXPECT_THAT(cutting.batches, IsEmpty());
  cutting.EndGroup();
  cutting.EndGroup();  // of nothing
  cutting.Add(tokens.Slice(4, 2));
  cutting.EndGroup();
  EXPECT_THAT(cutting.batches, ElementsAre(ElementsAre(0, 1, 2, 3), ElementsAre(4, 5)));
}

TEST(BatchCutterTest, SizeOneMakesABatchOfEachToken) {
  const auto values = Numbers(6);
  Cutting cutting{BatchCutter(1)};
  cutting.Add(TokensOf(values, 2));
  EXPECT_THAT(cutting.batches,
              ElementsAre(ElementsAre(0, 1), ElementsAre(2, 3), ElementsAre(4, 5)));
}

TEST(BatchCutterTest, StatisticsDoNotDependOnThePieces) {
  constexpr int64_t kTokens = 1000;
  constexpr int64_t kChannels = 7;
  const auto values = testing::RandomFloats(kTokens * kChannels);
  const Tokens tokens = TokensOf(values, kChannels);
  for (int seed = 1; seed <= 5; ++seed) {
    BatchCutter cutter(96);
    int64_t begin = 0;
    int64_t batches = 0;
    for (const int64_t size : testing::RandomPartition(kTokens, 200, seed)) {
      cutter.Add(tokens.Slice(begin, size), [&](const Tokens& batch) {
        const Moments expected = testing::MomentsOf(tokens.Slice(96 * batches++, 96));
        const Moments actual = testing::MomentsOf(batch);
        EXPECT_TRUE(SameBits(actual.mean, expected.mean));
        EXPECT_TRUE(SameBits(actual.m2, expected.m2));
      });
      begin += size;
    }
    EXPECT_EQ(batches, kTokens / 96);
  }
}

}  // namespace
}  // namespace normd
