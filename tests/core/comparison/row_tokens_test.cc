#include "core/comparison/row_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <utility>
#include <vector>

#include "tests/testing/compared_methods.h"
#include "tests/testing/non_finite.h"
#include "tests/testing/token_values.h"

namespace normd {
namespace {

using testing::BatchNormSpec;
using ::testing::ElementsAre;
using testing::LayerNormSpec;
using testing::NormalizerOf;
using testing::Numbers;
using ::testing::Pair;
using testing::ValuesOf;

constexpr auto kNaN = static_cast<float>(testing::kNan);

RowTokens ReaderOf(const NormalizationSpec& spec, const Shape& row_shape) {
  return RowTokens::For({NormalizerOf(spec, row_shape)}, row_shape);
}

std::vector<std::pair<std::optional<int64_t>, int64_t>> RunsOf(const ChunkTokens& chunk) {
  std::vector<std::pair<std::optional<int64_t>, int64_t>> runs;
  for (const TokenRun& run : chunk.runs) runs.emplace_back(run.sequence, run.tokens);
  return runs;
}

TEST(RowTokensTest, ImagesAreSequencesOfPixels) {
  RowTokens reader = ReaderOf(BatchNormSpec(Cumulative(), 1), {2, 2, 2});
  EXPECT_EQ(reader.channels(), 2);
  const auto values = Numbers(16);
  const ChunkTokens chunk = reader.Read(values.data(), 2, {}, 10);
  EXPECT_EQ(chunk.tokens.count, 8);
  EXPECT_EQ(chunk.tokens.channels, 2);
  EXPECT_THAT(ValuesOf(chunk.tokens),
              ElementsAre(0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15));
  EXPECT_THAT(RunsOf(chunk), ElementsAre(Pair(10, 4), Pair(11, 4)));
  EXPECT_EQ(chunk.non_finite, 0);
}

TEST(RowTokensTest, ImagesOfFloat64AreTransposedToo) {
  RowTokens reader = ReaderOf(BatchNormSpec(Cumulative(), 1), {2, 1, 2});
  const std::vector<double> values = {1, 2, 3, 4};
  const ChunkTokens chunk = reader.Read(values.data(), 1, {}, 0);
  ASSERT_EQ(chunk.tokens.data.type, ElementType::kFloat64);
  const auto* tokens = chunk.tokens.data.As<double>();
  EXPECT_THAT(std::vector<double>(tokens, tokens + 4), ElementsAre(1, 3, 2, 4));
}

TEST(RowTokensTest, RowsOfStepsMayBringTheirOwn) {
  RowTokens reader = ReaderOf(BatchNormSpec(), {-1, 2});
  const auto values = Numbers(8);
  const int64_t steps[] = {1, 3};
  const ChunkTokens chunk = reader.Read(values.data(), {2, steps}, {}, 5);
  EXPECT_EQ(chunk.tokens.count, 4);
  EXPECT_EQ(ValuesOf(chunk.tokens), values);
  EXPECT_THAT(RunsOf(chunk), ElementsAre(Pair(5, 1), Pair(6, 3)));
}

TEST(RowTokensTest, RowsOfOneTokenBelongToNoSequence) {
  RowTokens reader = ReaderOf(LayerNormSpec(), {2});
  const auto values = Numbers(6);
  const ChunkTokens chunk = reader.Read(values.data(), 3, {}, 0);
  EXPECT_THAT(RunsOf(chunk), ElementsAre(Pair(std::nullopt, 3)));
}

TEST(RowTokensTest, RowsBelongToTheSequencesThatTheyName) {
  RowTokens reader = ReaderOf(LayerNormSpec(), {2});
  const auto values = Numbers(8);
  const int64_t ids[] = {5, 5, -6, 5};
  const ChunkTokens chunk = reader.Read(values.data(), 4, ids, 0);
  EXPECT_THAT(RunsOf(chunk), ElementsAre(Pair(5, 2), Pair(-6, 1), Pair(5, 1)));
}

TEST(RowTokensTest, TokensThatAreNotFiniteAreDropped) {
  RowTokens reader = ReaderOf(BatchNormSpec(), {3, 2});
  std::vector<float> values = Numbers(12);
  values[3] = kNaN;
  values[6] = static_cast<float>(testing::kInfinity);
  values[8] = values[9] = kNaN;
  const ChunkTokens chunk = reader.Read(values.data(), 2, {}, 0);
  EXPECT_EQ(chunk.non_finite, 3);
  EXPECT_EQ(chunk.tokens.count, 3);
  EXPECT_THAT(ValuesOf(chunk.tokens), ElementsAre(0, 1, 4, 5, 10, 11));
  EXPECT_THAT(RunsOf(chunk), ElementsAre(Pair(0, 2), Pair(1, 1)));
}

TEST(RowTokensTest, APixelThatIsNotFiniteIsDroppedOfAnImage) {
  RowTokens reader = ReaderOf(BatchNormSpec(Cumulative(), 1), {2, 1, 2});
  const std::vector<float> values = {1, 2, kNaN, 4};
  const ChunkTokens chunk = reader.Read(values.data(), 1, {}, 0);
  EXPECT_EQ(chunk.non_finite, 1);
  EXPECT_THAT(ValuesOf(chunk.tokens), ElementsAre(2, 4));
}

TEST(RowTokensTest, ChannelsAreThoseOfTheFirstMethodThatHasAny) {
  const Shape shape = {4, 5};
  const std::vector<Normalizer> both = {NormalizerOf(LayerNormSpec(), shape),
                                        NormalizerOf(BatchNormSpec(Cumulative(), 1), shape)};
  EXPECT_EQ(RowTokens::For(both, shape).channels(), 4);
  EXPECT_EQ(RowTokens::For(absl::MakeSpan(both).first(1), shape).channels(), 5);
}

}  // namespace
}  // namespace normd
