#include "core/comparison/stream_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <vector>

#include "tests/core/comparison/compared_stream.h"
#include "tests/testing/compared_methods.h"
#include "tests/testing/error_matchers.h"
#include "tests/testing/non_finite.h"
#include "tests/testing/random_values.h"
#include "tests/testing/same_bits.h"

namespace normd {
namespace {

using testing::BatchNormSpec;
using testing::ComparedStream;
using ::testing::Each;
using ::testing::ElementsAre;
using testing::FiguresOf;
using testing::FindCell;
using testing::IsInvalidField;
using testing::LayerNormSpec;
using testing::MinMaxSpec;
using testing::NormalizerOf;
using testing::RandomFloats;
using testing::SameBits;
using ::testing::Truly;

void ExpectFinite(const ComparisonReport& report) {
  for (const CellReport& cell : report.cells) {
    EXPECT_THAT(FiguresOf(cell), Each(Truly([](double figure) { return std::isfinite(figure); })))
        << cell.batch_size;
  }
  for (const MethodReport& method : report.methods) {
    EXPECT_TRUE(std::isfinite(method.padding_gap.value_or(0)));
  }
  for (const auto& series : report.plots.channels) {
    for (const double value : series.values) EXPECT_TRUE(std::isfinite(value));
  }
}

TEST(StreamComparisonTest, AnEmptyStreamSaysThereIsNotEnough) {
  ComparedStream stream({BatchNormSpec(), LayerNormSpec()}, {4});
  const ComparisonReport report = stream.Finish();
  EXPECT_EQ(report.tokens, 0);
  EXPECT_EQ(report.methods.size(), 2);
  EXPECT_TRUE(report.cells.empty());
  EXPECT_EQ(report.verdict.kind, Verdict::Kind::kNotEnoughData);
  EXPECT_FALSE(report.plan.batch_sizes.empty());
}

TEST(StreamComparisonTest, AnEmptyStreamHasASecondPassToo) {
  ComparedStream stream({BatchNormSpec()}, {4});
  EXPECT_EQ(stream.Finish().verdict.kind, Verdict::Kind::kNotEnoughData);
}

TEST(StreamComparisonTest, OneTokenIsABatchThatTrainingRefuses) {
  ComparedStream stream({BatchNormSpec(), BatchNormSpec(BatchEma()), LayerNormSpec(), MinMaxSpec()},
                        {4});
  stream.Feed<float>({1, 2, 3, 4}, 1);
  const ComparisonReport report = stream.Finish();
  EXPECT_EQ(report.tokens, 1);
  EXPECT_EQ(report.sampled_tokens, 1);
  ExpectFinite(report);
  const CellReport* const cell = FindCell(report, BatchOrder::kArrival, 0);
  ASSERT_NE(cell, nullptr);
  EXPECT_EQ(cell->batches, 1);
  EXPECT_FALSE(cell->methods[0].output_gap.has_value());
  ASSERT_TRUE(cell->methods[2].output_gap.has_value());
  EXPECT_EQ(cell->methods[2].output_gap->largest, 0);
  EXPECT_EQ(report.channels.without_variance, 4);
  EXPECT_FALSE(report.drift.has_value());
  EXPECT_EQ(report.verdict.kind, Verdict::Kind::kNotEnoughData);
}

TEST(StreamComparisonTest, ConstantChannelsHaveNoGapAndNoDiscrepancy) {
  ComparedStream stream({BatchNormSpec(), LayerNormSpec(), MinMaxSpec()}, {3});
  std::vector<float> values;
  for (int i = 0; i < 500; ++i) values.insert(values.end(), {7, -3, 0.1f});
  stream.Feed(values, 10);
  const ComparisonReport report = stream.Finish();
  ExpectFinite(report);
  EXPECT_EQ(report.channels.without_variance, 3);
  EXPECT_FALSE(report.drift.has_value());
  EXPECT_TRUE(report.plots.channels.empty());
  EXPECT_THAT(report.plots.discrepancy, Each(0));
  const CellReport* const cell = FindCell(report, BatchOrder::kArrival, 8);
  ASSERT_NE(cell, nullptr);
  EXPECT_FALSE(cell->effective_batch_size.has_value());
  for (const CellMethod& method : cell->methods) {
    ASSERT_TRUE(method.output_gap.has_value());
    EXPECT_NEAR(method.output_gap->overall.value, 0, 1e-12);
  }
  EXPECT_FALSE((*cell->methods[0].discrepancies)[DiscrepancyKind::kFinalMean].measured.has_value());
}

TEST(StreamComparisonTest, LayerNormsGapIsExactlyZero) {
  ComparedStream stream({BatchNormSpec(), LayerNormSpec()}, {5, 16});
  stream.Feed(RandomFloats(100 * 5 * 16), 7);
  const ComparisonReport report = stream.Finish();
  ExpectFinite(report);
  int measured = 0;
  for (const CellReport& cell : report.cells) {
    if (cell.batches == 0) continue;
    ++measured;
    ASSERT_TRUE(cell.methods[1].output_gap.has_value()) << cell.batch_size;
    EXPECT_EQ(cell.methods[1].output_gap->largest, 0);
    EXPECT_EQ(cell.methods[1].output_gap->overall.value, 0);
    EXPECT_FALSE(cell.methods[1].discrepancies.has_value());
    if (cell.batch_size == 2) {
      EXPECT_GT(cell.methods[0].output_gap->overall.value, 0.1);
    }
    if (cell.order == BatchOrder::kArrival && cell.batch_size > 1) {
      ASSERT_TRUE(cell.methods[1].co_batch_sensitivity.has_value());
      EXPECT_EQ(cell.methods[1].co_batch_sensitivity->value, 0);
    }
  }
  EXPECT_GT(measured, 20);
  EXPECT_EQ(report.methods[1].state_bytes, 0);
  EXPECT_EQ(report.methods[0].state_bytes, 2 * 16 * 8);
}

TEST(StreamComparisonTest, AMethodOfExtremesHasAGapAndNoDiscrepancies) {
  ComparedStream stream({MinMaxSpec()}, {8});
  stream.Feed(RandomFloats(1000 * 8), 50);
  const ComparisonReport report = stream.Finish();
  ExpectFinite(report);
  const CellReport* const small = FindCell(report, BatchOrder::kArrival, 2);
  const CellReport* const large = FindCell(report, BatchOrder::kArrival, 128);
  ASSERT_TRUE(small != nullptr && large != nullptr);
  EXPECT_GT(large->methods[0].output_gap->overall.value, 0);
  EXPECT_LT(large->methods[0].output_gap->overall.value,
            small->methods[0].output_gap->overall.value);
  EXPECT_FALSE(large->methods[0].discrepancies.has_value());
  EXPECT_FALSE(report.methods[0].cold_start.has_value());
  EXPECT_EQ(report.verdict.kind, Verdict::Kind::kNone);
}

// What it starts from is no part of it, however far from 0 the tokens are.
TEST(StreamComparisonTest, IndependentTokensAreAtTheFloorsOfAnEstimatorOfTokens) {
  for (const float offset : {0.0F, 1000.0F}) {
    ComparedStream stream({BatchNormSpec(TokenEma{.alpha = 0.01})}, {8},
                          {.batch_sizes = {32, 128}});
    stream.Feed(RandomFloats(8192 * 8, offset, 1), 50);
    const ComparisonReport report = stream.Finish();
    ExpectFinite(report);
    const CellReport* const cell = FindCell(report, BatchOrder::kArrival, 32);
    const CellReport* const large = FindCell(report, BatchOrder::kArrival, 128);
    ASSERT_TRUE(cell != nullptr && large != nullptr);
    for (size_t kind = 0; kind < kDiscrepancyKinds; ++kind) {
      const auto& [measured, floor] = cell->methods[0].discrepancies->values[kind];
      ASSERT_TRUE(measured && floor) << kind;
      EXPECT_NEAR(measured->value / *floor, 1, 0.1) << kind;
    }
    // A batch whose weights differ much.
    const Discrepancies& found = *large->methods[0].discrepancies;
    EXPECT_TRUE(found[DiscrepancyKind::kTidMeanByRunning].ratio().has_value());
    EXPECT_FALSE(found[DiscrepancyKind::kTidDeviationByRunning].noise_floor.has_value());
    EXPECT_FALSE(found[DiscrepancyKind::kTidDeviationByBatch].noise_floor.has_value());
  }
}

TEST(StreamComparisonTest, IndependentTokensAreWithinChance) {
  ComparedStream stream({BatchNormSpec()}, {16});
  stream.Feed(RandomFloats(4096 * 16), 64);
  const ComparisonReport report = stream.Finish();
  const CellReport* const cell = FindCell(report, BatchOrder::kArrival, 0);
  ASSERT_NE(cell, nullptr);
  EXPECT_EQ(cell->batches, 64);
  EXPECT_EQ(cell->usual_batch_size, 64);
  ASSERT_TRUE(cell->effective_batch_size.has_value());
  EXPECT_NEAR(*cell->effective_batch_size, 64, 8);
  for (const DiscrepancyKind kind :
       {DiscrepancyKind::kFinalMean, DiscrepancyKind::kFinalDeviation, DiscrepancyKind::kRenormD,
        DiscrepancyKind::kTidMeanByRunning}) {
    const auto ratio = (*cell->methods[0].discrepancies)[kind].ratio();
    ASSERT_TRUE(ratio.has_value());
    EXPECT_NEAR(ratio->value, 1, 0.15);
  }
  EXPECT_EQ(report.verdict.kind, Verdict::Kind::kBatchNormIsFine);
}

TEST(StreamComparisonTest, CountsSequencesAndLeavesOutConstantPositions) {
  ComparedStream stream({BatchNormSpec()}, {3, 2});
  auto values = RandomFloats(40 * 3 * 2);
  for (size_t i = 0; i < values.size(); i += 6) values[i] = values[i + 1] = 5;
  values[8] = static_cast<float>(testing::kNan);
  stream.Feed(values, 8);
  const ComparisonReport report = stream.Finish();
  EXPECT_EQ(report.tokens, 119);
  EXPECT_EQ(report.non_finite_tokens, 1);
  EXPECT_EQ(report.sequences, 40);
  ASSERT_TRUE(report.by_sequence.has_value());
  EXPECT_EQ(report.by_sequence->groups, 40);
  EXPECT_EQ(report.by_sequence->tokens, 119);
  ASSERT_TRUE(report.by_position.has_value());
  EXPECT_THAT(report.by_position->constant_positions, ElementsAre(0));
  EXPECT_EQ(report.by_position->groups, 2);
  EXPECT_EQ(report.by_position->tokens, 79);
  const CellReport* const cell = FindCell(report, BatchOrder::kByPosition, 0);
  ASSERT_NE(cell, nullptr);
  EXPECT_EQ(cell->batches, 2);
}

TEST(StreamComparisonTest, MeasuresPaddingBesideWhatIsValid) {
  ComparedStream stream({BatchNormSpec(), LayerNormSpec()}, {1}, {.batch_sizes = {0}});
  const std::vector<float> padded = {1, 2, 3, 4, 5, 0, 0, 0, 0, 0};
  RowTokens tokens = RowTokens::For({NormalizerOf(BatchNormSpec(), {1})}, {1});
  RowTokens all_tokens = tokens;
  const ChunkTokens valid = tokens.Read(padded.data(), 5, {}, 0);
  const std::vector<int64_t> steps = {1, 1, 1, 1, 1, 0, 0, 0, 0, 0};
  const ChunkTokens all = all_tokens.Read(padded.data(), 10, {}, 0, steps);
  stream.comparison().Add(valid, &all);
  stream.comparison().Add(valid, nullptr);
  const ComparisonReport report = stream.Finish();
  EXPECT_EQ(report.tokens, 10);
  EXPECT_EQ(report.padded_tokens, 5);
  ASSERT_TRUE(report.padding.has_value());
  EXPECT_DOUBLE_EQ(report.padding->mean_with, 1.5);
  EXPECT_DOUBLE_EQ(report.padding->variance_with, 3.25);
  EXPECT_GT(report.methods[0].padding_gap.value_or(0), 0.1);
  EXPECT_EQ(report.methods[1].padding_gap, 0);
  ASSERT_FALSE(report.cells.empty());
  // Batches of mean 1.5 and variance 3.25, and of 3 and 2; all together of mean 2 and variance
  // 10/3.
  ASSERT_TRUE(report.cells[1].with_padding);
  ASSERT_TRUE(report.cells[1].methods[0].output_gap.has_value());
  double difference = 0;
  double square = 0;
  for (const double x : {1, 2, 3, 4, 5}) {
    const double inference = (x - 2) / std::sqrt(10.0 / 3 + 1e-5);
    difference += std::pow((x - 1.5) / std::sqrt(3.25 + 1e-5) - inference, 2) +
                  std::pow((x - 3) / std::sqrt(2 + 1e-5) - inference, 2);
    square += 2 * inference * inference;
  }
  EXPECT_NEAR(report.cells[1].methods[0].output_gap->overall.value, std::sqrt(difference / square),
              1e-12);
  EXPECT_EQ(report.cells[1].methods[1].output_gap->largest, 0);
}

TEST(StreamComparisonTest, DrawsSegmentsUpToTheEnd) {
  ComparedStream stream({BatchNormSpec()}, {40}, {.batch_sizes = {2, 8, 128}});
  stream.Feed(RandomFloats(40 * 1000), 10);
  const ComparisonReport report = stream.Finish();
  ASSERT_EQ(report.plots.segment_ends.size(), 63);
  EXPECT_EQ(report.plots.segment_ends.back(), 1000);
  EXPECT_EQ(report.plots.discrepancy.size(), 63);
  EXPECT_EQ(report.plots.channels.size(), 32);
  ASSERT_EQ(report.plots.densities.size(), 4);  // of 2 and 128, in training and inference
  for (const DensityPlot& density : report.plots.densities) {
    double sum = 0;
    for (const double share : density.shares) sum += share;
    EXPECT_NEAR(sum, 1, 1e-12);
  }
  EXPECT_EQ(report.plots.co_batches.size(), 4);
}

TEST(StreamComparisonTest, APlanOutOfRangeNamesItsField) {
  const std::vector<Normalizer> methods = {NormalizerOf(BatchNormSpec(), {4})};
  EXPECT_THAT(StreamComparison::Create({.batch_sizes = {-1}}, methods, {4}, nullptr),
              IsInvalidField("plan.batch_sizes"));
}

TEST(StreamComparisonTest, MethodsMustShareTheirChannels) {
  const Shape shape = {4, 5};
  const std::vector<Normalizer> methods = {NormalizerOf(BatchNormSpec(Cumulative(), 1), shape),
                                           NormalizerOf(BatchNormSpec(Cumulative(), 2), shape)};
  EXPECT_THAT(StreamComparison::Create({}, methods, shape, nullptr), IsInvalidField("specs"));
}

TEST(StreamComparisonTest, FiguresWithoutUnitDoNotDependOnIt) {
  const auto report = [](double unit) {
    NormalizationSpec spec = BatchNormSpec();
    spec.epsilon = 0;
    ComparedStream stream({spec, LayerNormSpec()}, {4});
    std::vector<double> values = testing::RandomDoubles(4 * 2000, -1, 1);
    for (double& value : values) value *= unit;
    stream.Feed(values, 20);
    return stream.Finish();
  };
  const ComparisonReport expected = report(1);
  for (const double unit : {0x1p-300, 0x1p300, 0x1p470}) {
    const ComparisonReport actual = report(unit);
    ExpectFinite(actual);
    const CellReport* const cell = FindCell(actual, BatchOrder::kArrival, 32);
    const CellReport* const other = FindCell(expected, BatchOrder::kArrival, 32);
    ASSERT_TRUE(cell != nullptr && other != nullptr);
    EXPECT_EQ(cell->effective_batch_size, other->effective_batch_size);
    for (const DiscrepancyKind kind : {DiscrepancyKind::kFinalMean, DiscrepancyKind::kRenormR,
                                       DiscrepancyKind::kTidMeanByBatch}) {
      const auto ratio = (*cell->methods[0].discrepancies)[kind].ratio();
      const auto same = (*other->methods[0].discrepancies)[kind].ratio();
      ASSERT_TRUE(ratio.has_value() && same.has_value());
      EXPECT_NEAR(ratio->value, same->value, 1e-12);
    }
    EXPECT_NEAR(actual.channels.median_kurtosis, expected.channels.median_kurtosis, 1e-12);
    EXPECT_NEAR(actual.variance_split.residual_share, expected.variance_split.residual_share,
                1e-12);
    ASSERT_TRUE(actual.drift.has_value());
    EXPECT_NEAR(actual.drift->excess, expected.drift->excess, 1e-9);
  }
}

TEST(StreamComparisonTest, OutputsTooLargeToSquareLeaveFiguresFinite) {
  // Inference is by the last batch alone, which is constant in one channel.
  NormalizationSpec spec = BatchNormSpec(BatchEma{.momentum = 1});
  spec.epsilon = 1e-300;
  ComparedStream stream({spec}, {2});
  std::vector<float> values = RandomFloats(2 * 512, 0, 1e20f);
  for (size_t i = 2 * 256; i < values.size(); i += 2) values[i] = 7;
  stream.Feed(values, 64);
  ExpectFinite(stream.Finish());
}

}  // namespace
}  // namespace normd
