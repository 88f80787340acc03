#include "core/comparison/token_sample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "tests/testing/token_values.h"

namespace normd {
namespace {

using ::testing::ElementsAre;
using testing::Numbers;
using testing::TokensOf;
using ::testing::UnorderedElementsAreArray;
using TokenGroups = std::vector<std::vector<float>>;

constexpr int64_t kRoom = 1 << 20;

// What the sample holds in an order, group by group.
TokenGroups GroupsOf(const TokenSample& sample, BatchOrder order, uint64_t seed = 1) {
  TokenGroups groups(1);
  sample.ForEach(
      order, seed,
      [&](const Tokens& tokens) {
        const auto values = testing::ValuesOf(tokens);
        groups.back().insert(groups.back().end(), values.begin(), values.end());
      },
      [&] { groups.emplace_back(); });
  EXPECT_TRUE(groups.back().empty());  // every group was ended
  groups.pop_back();
  return groups;
}

// A stream of tokens 0, 1, ... in sequences of so many, each a chunk, or in none.
TokenSample SampleOf(int64_t tokens, int64_t sequence_size, uint64_t seed, int64_t max_bytes) {
  const auto values = Numbers(tokens);
  TokenSample sample(seed, max_bytes);
  if (sequence_size == 0) {
    sample.Add(TokensOf(values, 1), std::nullopt);
  } else {
    for (int64_t i = 0; i < tokens; i += sequence_size) {
      sample.Add(TokensOf(values, 1).Slice(i, sequence_size), i);
      sample.EndChunk();
    }
  }
  sample.EndChunk();
  sample.Finish();
  return sample;
}

// Sequences 7 (tokens 0, 1, 2) and 9 (3, 4), in chunks of two and of three tokens.
TokenSample TwoSequences() {
  const auto values = Numbers(5);
  const Tokens tokens = TokensOf(values, 1);
  TokenSample sample(1, kRoom);
  sample.Add(tokens.Slice(0, 2), 7);
  sample.EndChunk();
  sample.Add(tokens.Slice(2, 1), 7);
  sample.Add(tokens.Slice(3, 2), 9);
  sample.EndChunk();
  sample.Finish();
  return sample;
}

TEST(TokenSampleTest, IsCompleteWhereThereIsRoom) {
  const TokenSample sample = SampleOf(1000, 0, 1, 4 * 1000);
  EXPECT_TRUE(sample.is_complete());
  EXPECT_FALSE(sample.has_sequences());
  EXPECT_EQ(sample.tokens(), 1000);
  EXPECT_THAT(GroupsOf(sample, BatchOrder::kArrival), ElementsAre(Numbers(1000)));
  EXPECT_FALSE(SampleOf(1000, 0, 1, 4 * 999).is_complete());
}

// What holds them takes far more memory than single values in sequences of their own.
TEST(TokenSampleTest, HoldsFewerOfSequencesOfAFewValues) {
  const TokenSample sample = SampleOf(100'000, 1, 1, kRoom);
  EXPECT_FALSE(sample.is_complete());
  EXPECT_GT(sample.tokens(), kRoom / 500);
  EXPECT_LT(sample.tokens(), kRoom / 200);
}

TEST(TokenSampleTest, OrderOfArrivalIsChunkAfterChunk) {
  EXPECT_THAT(GroupsOf(TwoSequences(), BatchOrder::kArrival),
              ElementsAre(ElementsAre(0, 1), ElementsAre(2, 3, 4)));
}

TEST(TokenSampleTest, OrderBySequence) {
  EXPECT_THAT(GroupsOf(TwoSequences(), BatchOrder::kBySequence),
              ElementsAre(ElementsAre(0, 1, 2), ElementsAre(3, 4)));
}

TEST(TokenSampleTest, OrderByPosition) {
  TokenSample sample = TwoSequences();
  EXPECT_THAT(GroupsOf(sample, BatchOrder::kByPosition),
              ElementsAre(ElementsAre(0, 3), ElementsAre(1, 4), ElementsAre(2)));
  sample.LeaveOut({0, 2});
  EXPECT_THAT(GroupsOf(sample, BatchOrder::kByPosition), ElementsAre(ElementsAre(1, 4)));
  EXPECT_EQ(GroupsOf(sample, BatchOrder::kBySequence).size(), 2);  // has them still
}

TEST(TokenSampleTest, ShuffledIsAPermutation) {
  const TokenSample sample = SampleOf(1000, 10, 1, kRoom);
  const auto first = GroupsOf(sample, BatchOrder::kShuffled, 1);
  ASSERT_EQ(first.size(), 1);
  EXPECT_NE(first[0], Numbers(1000));
  EXPECT_THAT(first[0], UnorderedElementsAreArray(Numbers(1000)));
  EXPECT_EQ(GroupsOf(sample, BatchOrder::kShuffled, 1), first);
  EXPECT_NE(GroupsOf(sample, BatchOrder::kShuffled, 2), first);
}

TEST(TokenSampleTest, SinglesAreInTheOrderOfArrival) {
  const TokenSample sample = SampleOf(600, 0, 1, kRoom);
  std::vector<float> values;
  const SingleTokens tokens = sample.Singles();
  for (size_t i = 0; i < tokens.size(); ++i) {
    ASSERT_EQ(tokens[i].count, 1);
    values.push_back(*tokens[i].data.As<float>());
  }
  EXPECT_EQ(values, Numbers(600));
}

TEST(TokenSampleTest, TheSameSeedGivesTheSameSample) {
  const auto groups = [](uint64_t seed) {
    return GroupsOf(SampleOf(5000, 10, seed, 4 * 500), BatchOrder::kBySequence);
  };
  EXPECT_EQ(groups(5).size(), 50);
  EXPECT_EQ(groups(5), groups(5));
  EXPECT_NE(groups(5), groups(6));
}

TEST(TokenSampleTest, DoesNotDependOnPieces) {
  const auto values = Numbers(3000);
  TokenSample pieces(3, 4 * 800);
  for (int64_t i = 0; i < 3000; ++i) pieces.Add(TokensOf(values, 1).Slice(i, 1), std::nullopt);
  pieces.EndChunk();
  pieces.Finish();
  EXPECT_EQ(GroupsOf(pieces, BatchOrder::kArrival),
            GroupsOf(SampleOf(3000, 0, 3, 4 * 800), BatchOrder::kArrival));
}

TEST(TokenSampleTest, OfAPartIsWholeUnitsInTheOrderOfArrival) {
  const TokenSample sample = SampleOf(5000, 10, 1, 4 * 505);
  EXPECT_FALSE(sample.is_complete());
  EXPECT_EQ(sample.tokens(), 500);
  const auto arrival = GroupsOf(sample, BatchOrder::kArrival);
  ASSERT_EQ(arrival.size(), 1);  // chunks of a part of the stream are none
  EXPECT_TRUE(std::is_sorted(arrival[0].begin(), arrival[0].end()));
  for (const auto& sequence : GroupsOf(sample, BatchOrder::kBySequence)) {
    ASSERT_EQ(sequence.size(), 10);
    EXPECT_EQ(static_cast<int>(sequence[0]) % 10, 0);
    EXPECT_EQ(sequence[9], sequence[0] + 9);
  }
}

// Whether each of 20 units, of which 5 are kept, is as likely, by Pearson's statistic.
void ExpectEveryUnitAsLikely(int64_t unit_size, int64_t sequence_size) {
  constexpr int kSeeds = 2000;
  std::map<int64_t, double> kept;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    const TokenSample sample =
        SampleOf(20 * unit_size, sequence_size, seed, 5 * unit_size * int64_t{sizeof(float)});
    ASSERT_EQ(sample.tokens(), 5 * unit_size);
    const SingleTokens tokens = sample.Singles();
    for (int64_t i = 0; i < 5 * unit_size; i += unit_size) {
      ++kept[static_cast<int64_t>(*tokens[i].data.As<float>()) / unit_size];
    }
  }
  ASSERT_EQ(kept.size(), 20);
  double statistic = 0;
  for (const auto& [unit, count] : kept) {
    statistic += (count - 500) * (count - 500) / 500 / (1 - 0.25);
  }
  EXPECT_LT(statistic, 43.8);  // 99.9 % of 19 degrees of freedom
  EXPECT_GT(statistic, 5.4);   // 0.1 %
}

TEST(TokenSampleTest, EverySequenceIsAsLikely) { ExpectEveryUnitAsLikely(3, 3); }

TEST(TokenSampleTest, EveryRunIsAsLikely) { ExpectEveryUnitAsLikely(256, 0); }

TEST(TokenSampleTest, KeepsOneUnitThatIsLargerThanItsRoom) {
  const TokenSample sample = SampleOf(2560, 0, 1, 1);
  EXPECT_FALSE(sample.is_complete());
  EXPECT_EQ(sample.tokens(), 256);
  const TokenSample only = SampleOf(200, 0, 1, 1);
  EXPECT_TRUE(only.is_complete());
  EXPECT_EQ(only.tokens(), 200);
}

TEST(TokenSampleTest, PositionsOfALongSequenceGoOnFromUnitToUnit) {
  const TokenSample sample = SampleOf(10'000, 10'000, 1, kRoom);
  EXPECT_TRUE(sample.is_complete());
  EXPECT_THAT(GroupsOf(sample, BatchOrder::kBySequence), ElementsAre(Numbers(10'000)));
  const auto positions = GroupsOf(sample, BatchOrder::kByPosition);
  ASSERT_EQ(positions.size(), 10'000);
  EXPECT_THAT(positions[9999], ElementsAre(9999));
}

TEST(TokenSampleTest, PositionsWithoutATokenAreNone) {
  // A sequence so much longer than the others that a unit of its end may be all that is kept of it.
  TokenSample sample(3, 20'000);
  const std::vector<float> values(10'000);
  sample.Add({values.data(), 10'000, 1}, 7);
  sample.Finish();
  EXPECT_FALSE(sample.is_complete());
  int64_t groups = 0;
  int64_t in_group = 0;
  sample.ForEach(
      BatchOrder::kByPosition, 1, [&](const Tokens& tokens) { in_group += tokens.count; },
      [&] {
        EXPECT_EQ(in_group, 1);
        in_group = 0;
        ++groups;
      });
  EXPECT_EQ(groups, sample.tokens());
}

TEST(TokenSampleTest, NothingIsNoToken) {
  TokenSample sample(1, kRoom);
  sample.EndChunk();
  sample.Finish();
  EXPECT_TRUE(sample.is_complete());
  EXPECT_EQ(sample.tokens(), 0);
  EXPECT_TRUE(sample.Singles().empty());
}

}  // namespace
}  // namespace normd
