#include "core/comparison/verdict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/testing/compared_methods.h"

namespace normd {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

// LayerNorm, and BatchNorm that the verdict is about.
const std::vector<ComparedMethod>& Methods() {
  static const auto* const kMethods =
      new std::vector<ComparedMethod>{testing::Compared(testing::LayerNormSpec(), 4),
                                      testing::Compared(testing::BatchNormSpec(), 4)};
  return *kMethods;
}

// Of 100 batches of 32 tokens with an output gap of `gap`, and a drift.
ComparisonReport ReportOf(double gap, double excess) {
  ComparisonReport report;
  report.tokens = 3200;
  report.plan.batch_size_in_use = 32;
  CellReport& cell = report.cells.emplace_back();
  cell.batch_size = 32;
  cell.batches = 100;
  cell.usual_batch_size = 32;
  cell.effective_batch_size = 31;
  cell.methods.resize(2);
  cell.methods[0].output_gap.emplace();
  cell.methods[1].output_gap = GapSummary{.overall = {.value = gap}};
  cell.methods[1].discrepancies.emplace();
  report.drift = Drift{.excess = excess};
  return report;
}

MeasuredDiscrepancy& FinalMeanOf(ComparisonReport& report) {
  return (*report.cells[0].methods[1].discrepancies)[DiscrepancyKind::kFinalMean];
}

TEST(VerdictTest, BatchNormIsFineWhereTheGapIsSmall) {
  const Verdict verdict = VerdictOf(ReportOf(0.2, 0), Methods());
  EXPECT_EQ(verdict.kind, Verdict::Kind::kBatchNormIsFine);
  EXPECT_THAT(verdict.summary, HasSubstr("batches of 32 tokens"));
  EXPECT_EQ(verdict.batch_size, 32);
  EXPECT_FALSE(verdict.tokens_needed.has_value());
  EXPECT_THAT(verdict.reasons, SizeIs(2));
  EXPECT_THAT(verdict.reasons[0], HasSubstr("by 20 %"));
  EXPECT_THAT(verdict.reasons[1], HasSubstr("worth 31 independent ones"));
}

TEST(VerdictTest, BatchNormIsFineInADriftToo) {
  const Verdict verdict = VerdictOf(ReportOf(0.2, 0.3), Methods());
  EXPECT_EQ(verdict.kind, Verdict::Kind::kBatchNormIsFine);
  EXPECT_THAT(verdict.reasons, Contains(HasSubstr("0.3 standard deviations")));
}

TEST(VerdictTest, LayerNormWhereNeitherBatchesNorTheWholeStandForTokens) {
  const Verdict verdict = VerdictOf(ReportOf(0.5, 0.3), Methods());
  EXPECT_EQ(verdict.kind, Verdict::Kind::kUseLayerNorm);
  EXPECT_THAT(verdict.reasons[1], HasSubstr("0.3 standard deviations"));
}

TEST(VerdictTest, FrozenStatisticsWhereTheWholeStandsForTokens) {
  const Verdict verdict = VerdictOf(ReportOf(0.5, 0.2), Methods());
  EXPECT_EQ(verdict.kind, Verdict::Kind::kUseFrozenStatistics);
  // 32 * (0.5 / 0.25)^2.
  EXPECT_THAT(verdict.reasons, Contains(HasSubstr("about 128 tokens would do")));
}

TEST(VerdictTest, FrozenStatisticsWhereTrainingRefusesSingleTokens) {
  ComparisonReport report = ReportOf(0, 0);
  report.plan.batch_size_in_use = 1;
  report.cells[0].batch_size = report.cells[0].usual_batch_size = 1;
  report.cells[0].methods[1].output_gap.reset();
  const Verdict verdict = VerdictOf(report, Methods());
  EXPECT_EQ(verdict.kind, Verdict::Kind::kUseFrozenStatistics);
  EXPECT_THAT(verdict.reasons, Contains(HasSubstr("training refuses it")));
}

TEST(VerdictTest, FewBatchesAreNotEnough) {
  ComparisonReport report = ReportOf(0.1, 0);
  report.tokens = 250;
  report.cells[0].batches = 8;
  EXPECT_EQ(VerdictOf(report, Methods()).kind, Verdict::Kind::kBatchNormIsFine);
  report.cells[0].batches = 7;
  const Verdict verdict = VerdictOf(report, Methods());
  EXPECT_EQ(verdict.kind, Verdict::Kind::kNotEnoughData);
  EXPECT_EQ(verdict.tokens_needed, 8 * 32);
  EXPECT_THAT(verdict.summary, HasSubstr("about 256 tokens would do; this has 250"));
}

TEST(VerdictTest, AWideIntervalAboutTheLimitIsNotEnough) {
  ComparisonReport report = ReportOf(0.25, 0);
  std::optional<GapSummary>& gap = report.cells[0].methods[1].output_gap;
  gap->overall = {0.25, 0.125, 0.375};  // from half to one and a half
  const Verdict verdict = VerdictOf(report, Methods());
  EXPECT_EQ(verdict.kind, Verdict::Kind::kNotEnoughData);
  EXPECT_EQ(verdict.tokens_needed, 4 * 3200);  // an interval of half the width
  EXPECT_THAT(verdict.reasons, Contains(HasSubstr("from 12.5 % to 37.5 %")));
  // Beside the limit, or narrow, it does.
  EXPECT_EQ(VerdictOf(ReportOf(0.1, 0), Methods()).kind, Verdict::Kind::kBatchNormIsFine);
  gap->overall = {0.25, 0.2, 0.3};
  EXPECT_EQ(VerdictOf(report, Methods()).kind, Verdict::Kind::kBatchNormIsFine);
}

TEST(VerdictTest, NoLimitMakesItAskForMoreTokensThanCanBeCounted) {
  ComparisonReport report = ReportOf(0.2, 0);
  report.cells[0].batches = 3;
  report.plan.thresholds.largest_drift = 1e-200;
  EXPECT_EQ(VerdictOf(report, Methods()).tokens_needed, int64_t{1} << 53);
}

TEST(VerdictTest, ADriftThatCouldNotBeSeenIsNotEnough) {
  ComparisonReport report = ReportOf(0.5, 0);
  report.drift->mean_shift_floor = 0.5;
  const Verdict verdict = VerdictOf(report, Methods());
  EXPECT_EQ(verdict.kind, Verdict::Kind::kNotEnoughData);
  EXPECT_EQ(verdict.tokens_needed, 4 * 3200);
  report.drift->mean_shift_floor = 0.2;
  EXPECT_EQ(VerdictOf(report, Methods()).kind, Verdict::Kind::kUseFrozenStatistics);
}

TEST(VerdictTest, WithoutBatchesThereIsNotEnoughAndItSaysHowMuchIs) {
  ComparisonReport report = ReportOf(0.1, 0);
  report.tokens = 31;
  report.cells[0].batches = 0;
  const Verdict verdict = VerdictOf(report, Methods());
  EXPECT_EQ(verdict.kind, Verdict::Kind::kNotEnoughData);
  EXPECT_EQ(verdict.batch_size, 32);
  EXPECT_EQ(verdict.tokens_needed, 8 * 32);
  const Verdict empty = VerdictOf(ComparisonReport(), Methods());
  EXPECT_EQ(empty.kind, Verdict::Kind::kNotEnoughData);
  EXPECT_EQ(empty.tokens_needed, 82);  // 16 / pi / 0.25^2: a drift is told from chance
}

TEST(VerdictTest, FewTokensAreNotFrozenWithoutADriftThatWasSeen) {
  ComparisonReport report = ReportOf(0.5, 0);
  report.tokens = 15;
  report.drift.reset();
  report.channels = {.count = 4, .without_variance = 1};
  EXPECT_EQ(VerdictOf(report, Methods()).kind, Verdict::Kind::kNotEnoughData);
}

TEST(VerdictTest, SaysNothingWhereThereIsNothingToJudge) {
  ComparisonReport report = ReportOf(0, 0);
  EXPECT_EQ(VerdictOf(report, {}).kind, Verdict::Kind::kNone);
  EXPECT_EQ(VerdictOf(report, absl::MakeSpan(Methods()).first(1)).kind, Verdict::Kind::kNone);
  report.drift.reset();
  report.channels = {.count = 4, .without_variance = 4};
  EXPECT_EQ(VerdictOf(report, Methods()).kind, Verdict::Kind::kNone);
  EXPECT_EQ(VerdictOf(report, Methods()).method, 1);
}

TEST(VerdictTest, SendsNobodyToLayerNormWithASingleFeature) {
  ComparisonReport report = ReportOf(0.5, 0.3);
  report.channels.count = 1;
  Verdict verdict = VerdictOf(report, Methods());
  EXPECT_EQ(verdict.kind, Verdict::Kind::kUseLayerNorm);
  EXPECT_THAT(verdict.summary, Not(HasSubstr("LayerNorm")));
  EXPECT_THAT(verdict.reasons, Contains(HasSubstr("leaves only 0")));
  report.drift->excess = 0;
  EXPECT_THAT(VerdictOf(report, Methods()).summary, Not(HasSubstr("LayerNorm")));
}

TEST(VerdictTest, IsAboutTheOrderOfArrivalWithoutPadding) {
  ComparisonReport report = ReportOf(0.5, 0);
  report.cells.push_back(ReportOf(0.1, 0).cells[0]);
  EXPECT_EQ(VerdictOf(report, Methods()).kind, Verdict::Kind::kUseFrozenStatistics);
  report.cells[0].with_padding = true;
  EXPECT_EQ(VerdictOf(report, Methods()).kind, Verdict::Kind::kBatchNormIsFine);
  report.cells[0].with_padding = false;
  report.cells[0].order = BatchOrder::kShuffled;
  EXPECT_EQ(VerdictOf(report, Methods()).kind, Verdict::Kind::kBatchNormIsFine);
}

TEST(VerdictTest, TheLimitsAreThePlans) {
  ComparisonReport report = ReportOf(0.5, 0.3);
  report.plan.thresholds.largest_drift = 0.4;
  EXPECT_EQ(VerdictOf(report, Methods()).kind, Verdict::Kind::kUseFrozenStatistics);
  report.plan.thresholds.largest_gap = 0.6;
  const Verdict verdict = VerdictOf(report, Methods());
  EXPECT_EQ(verdict.kind, Verdict::Kind::kBatchNormIsFine);
  EXPECT_EQ(verdict.thresholds.largest_gap, 0.6);
}

TEST(VerdictTest, SaysThatTokensResembleOneAnother) {
  ComparisonReport report = ReportOf(0.5, 0);
  FinalMeanOf(report) = {Estimate{0.4, 0.38, 0.42}, 0.2};
  EXPECT_THAT(VerdictOf(report, Methods()).reasons, Contains(HasSubstr("resemble one another")));
  report.plan.thresholds.largest_ratio = 2;  // the low end is 1.9
  EXPECT_THAT(VerdictOf(report, Methods()).reasons,
              Not(Contains(HasSubstr("resemble one another"))));
}

TEST(VerdictTest, RemarksOnWhatElseIsWorthKnowing) {
  ComparisonReport report = ReportOf(0.1, 0);
  report.cells[0].methods[1].output_gap->p99 = 0.6;
  report.by_position = Grouping{.constant_positions = {3}};
  report.padding = PaddingEffect{0.5, 3, 1.5, 2, 3.25};
  report.channels = {.count = 4, .outliers = 1};
  const auto reasons = VerdictOf(report, Methods()).reasons;
  EXPECT_THAT(reasons, Contains(HasSubstr("one token in a hundred differs by 60 % or more")));
  EXPECT_THAT(reasons, Contains(HasSubstr("position 3 always holds the same token")));
  EXPECT_THAT(reasons, Contains(HasSubstr("variance from 2 to 3.25")));
  EXPECT_THAT(reasons, Contains(HasSubstr("1 of 4 channels stands out")));
}

}  // namespace
}  // namespace normd
