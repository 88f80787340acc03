// What a comparison keeps of its stream: a sample, or nothing that a second pass does not bring
// again.
#include <gtest/gtest.h>

#include <vector>

#include "tests/core/comparison/compared_stream.h"
#include "tests/testing/compared_methods.h"
#include "tests/testing/random_values.h"
#include "tests/testing/same_bits.h"

namespace normd {
namespace {

using testing::BatchNormSpec;
using testing::ComparedStream;
using testing::FiguresOf;
using testing::FindCell;
using testing::LayerNormSpec;
using testing::MinMaxSpec;
using testing::RandomFloats;
using testing::SameBits;

TEST(ComparisonPassesTest, TwoPassesMeasureWhatOneDoesWithAWholeSample) {
  const auto values = RandomFloats(300 * 3 * 8);
  const std::vector<NormalizationSpec> specs = {BatchNormSpec(), BatchNormSpec(BatchEma()),
                                                LayerNormSpec(), MinMaxSpec()};
  ComparedStream once(specs, {3, 8});
  once.Feed(values, 11);
  const ComparisonReport one_pass = once.Finish();
  ComparedStream twice(specs, {3, 8});
  twice.Feed(values, 11);
  twice.Feed(values, 11, true);
  const ComparisonReport two_passes = twice.Finish();
  EXPECT_EQ(one_pass.sampled_tokens, 900);
  ASSERT_EQ(two_passes.cells.size(), one_pass.cells.size());
  for (size_t i = 0; i < one_pass.cells.size(); ++i) {
    EXPECT_TRUE(SameBits(FiguresOf(two_passes.cells[i]), FiguresOf(one_pass.cells[i]))) << i;
    EXPECT_FALSE(one_pass.cells[i].from_sample);
  }
  EXPECT_EQ(two_passes.verdict.reasons, one_pass.verdict.reasons);
}

TEST(ComparisonPassesTest, PaddingComesAgainToo) {
  const auto report = [](int64_t sample_bytes, bool twice) {
    ComparedStream stream({BatchNormSpec(), LayerNormSpec(), MinMaxSpec()}, {4},
                          {.batch_sizes = {0, 1, 8, 64}, .sample_bytes = sample_bytes});
    stream.FeedPadded(RandomFloats(4 * 1000), 50, false);
    if (twice) stream.FeedPadded(RandomFloats(4 * 1000), 50, true);
    return stream.Finish();
  };
  const ComparisonReport whole = report(1 << 20, false);
  const ComparisonReport twice = report(1 << 10, true);
  const ComparisonReport part = report(1 << 10, false);
  int padded = 0;
  for (size_t i = 0; i < whole.cells.size(); ++i) {
    if (whole.cells[i].order != BatchOrder::kArrival) continue;
    CellReport same = twice.cells[i];
    for (size_t method = 0; method < same.methods.size(); ++method) {  // by the sample
      same.methods[method].co_batch_sensitivity =
          whole.cells[i].methods[method].co_batch_sensitivity;
    }
    EXPECT_TRUE(SameBits(FiguresOf(same), FiguresOf(whole.cells[i]))) << i;
    EXPECT_FALSE(whole.cells[i].from_sample);
    EXPECT_FALSE(twice.cells[i].from_sample);
    EXPECT_TRUE(part.cells[i].from_sample);
    EXPECT_TRUE(part.cells[i].methods[1].output_gap.has_value());
    if (whole.cells[i].with_padding) ++padded;
  }
  EXPECT_EQ(padded, 4);
}

TEST(ComparisonPassesTest, OneSeedGivesOneReport) {
  const auto report = [](uint64_t seed) {
    ComparedStream stream({BatchNormSpec()}, {4}, {.seed = seed, .sample_bytes = 16 * 1024});
    stream.Feed(RandomFloats(4 * 4000), 100);
    return stream.Finish();
  };
  const ComparisonReport first = report(1);
  EXPECT_LT(first.sampled_tokens, 4000);
  const auto figures = [](const ComparisonReport& result) {
    std::vector<double> all;
    for (const CellReport& cell : result.cells) {
      const auto of_cell = FiguresOf(cell);
      all.insert(all.end(), of_cell.begin(), of_cell.end());
    }
    return all;
  };
  EXPECT_TRUE(SameBits(figures(first), figures(report(1))));
  EXPECT_FALSE(SameBits(figures(first), figures(report(2))));
}

TEST(ComparisonPassesTest, APartialSampleSaysSo) {
  ComparedStream stream({BatchNormSpec()}, {4},
                        {.batch_sizes = {0, 32}, .sample_bytes = 16 * 1024});
  stream.Feed(RandomFloats(4 * 4000), 100);
  const ComparisonReport report = stream.Finish();
  EXPECT_EQ(report.tokens, 4000);
  EXPECT_EQ(report.sampled_tokens, 1024);
  const CellReport* const as_they_come = FindCell(report, BatchOrder::kArrival, 0);
  const CellReport* const cell = FindCell(report, BatchOrder::kArrival, 32);
  ASSERT_TRUE(as_they_come != nullptr && cell != nullptr);
  EXPECT_TRUE(cell->from_sample);
  EXPECT_EQ(cell->batches, 125);  // training was by all
  EXPECT_TRUE(cell->methods[0].output_gap.has_value());
  EXPECT_TRUE(as_they_come->methods[0].output_gap.has_value());  // by batches of 100
  EXPECT_EQ(as_they_come->batches_with_outputs, 10);
}

}  // namespace
}  // namespace normd
