#include "core/comparison/method_comparison.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "core/comparison/noise_floor.h"
#include "tests/testing/error_matchers.h"
#include "tests/testing/non_finite.h"
#include "tests/testing/random_values.h"
#include "tests/testing/reference.h"
#include "tests/testing/same_bits.h"
#include "tests/testing/same_statistics.h"

namespace normd {
namespace {

using testing::IsInvalidField;
using testing::IsOk;
using testing::kNan;
using testing::RandomFloats;
using testing::ReferenceMoments;
using testing::SameBits;
using testing::SameStatistics;

NormalizationSpec BatchNorm(const Estimator& estimator = Cumulative()) {
  return {.method = Method::kBatchNorm, .channel_axis = -1, .estimator = estimator};
}

MethodComparison Compare(const NormalizationSpec& spec, const Shape& row_shape) {
  return MethodComparison(*CreateNormalizer(*Resolve(spec), row_shape), ElementType::kFloat32);
}

std::vector<float> Floats(const std::vector<char>& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

// Feeds rows of so many channels.
struct Feeder {
  MethodComparison comparison;
  int64_t channels = 1;
  ChunkOutputs outputs = {};

  Measurements Feed(const std::vector<float>& x) {
    const auto rows = static_cast<int64_t>(x.size()) / channels;
    EXPECT_THAT(comparison.Check(x.data(), rows), IsOk());
    return comparison.Measure(x.data(), rows, outputs);
  }
};

// All figures of chunk `x` after the values `before`, by textbook formulas.
Measurements ReferenceMeasurements(const std::vector<float>& before, const std::vector<float>& x,
                                   int64_t channels) {
  const auto layout = [channels](const std::vector<float>& values) {
    return ChannelLayout{static_cast<int64_t>(values.size()) / channels, channels, 1};
  };
  std::vector<float> all = before;
  all.insert(all.end(), x.begin(), x.end());
  const auto normalize = [&](const ReferenceMoments& moments) {
    return testing::ReferenceChannelNormalize(x.data(), layout(x), moments.mean, moments.variance,
                                              1e-5, nullptr, nullptr);
  };
  const ReferenceMoments chunk = testing::ReferenceChannelStatistics(x.data(), layout(x));
  const auto training = normalize(chunk);
  const auto inference = normalize(testing::ReferenceChannelStatistics(all.data(), layout(all)));
  long double difference_squares = 0;
  long double squares = 0;
  long double largest = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const long double difference = training[i] - inference[i];
    difference_squares += difference * difference;
    squares += inference[i] * inference[i];
    largest = std::max(largest, std::fabs(difference));
  }
  Measurements result;
  result.values = layout(x).outer;
  result.output_gap = static_cast<double>(std::sqrt(difference_squares / squares));
  result.largest_gap = static_cast<double>(largest);
  if (before.empty()) return result;
  const ReferenceMoments running =
      testing::ReferenceChannelStatistics(before.data(), layout(before));
  long double mean = 0;
  long double deviation = 0;
  for (int64_t c = 0; c < channels; ++c) {
    const long double root = std::sqrt(running.variance[c]);
    mean += std::fabs(chunk.mean[c] - running.mean[c]) / root / channels;
    deviation += std::fabs(std::sqrt(chunk.variance[c]) / root - 1) / channels;
  }
  result.mean_discrepancy = static_cast<double>(mean);
  result.deviation_discrepancy = static_cast<double>(deviation);
  const auto n = static_cast<double>(layout(x).outer);
  const auto m = static_cast<double>(layout(before).outer);
  result.mean_noise_floor = MeanNoiseFloor(n, m);
  result.deviation_noise_floor = DeviationNoiseFloor(n, m);
  return result;
}

void ExpectNear(const std::optional<double>& a, const std::optional<double>& b, double error) {
  ASSERT_EQ(a.has_value(), b.has_value());
  if (a.has_value()) {
    EXPECT_NEAR(*a, *b, error);
  }
}

// Outputs are float32, so a gap cannot be nearer than their rounding.
void ExpectSame(const Measurements& a, const Measurements& b) {
  EXPECT_EQ(a.values, b.values);
  ExpectNear(a.output_gap, b.output_gap, 1e-6);
  ExpectNear(a.largest_gap, b.largest_gap, 2e-6);
  ExpectNear(a.mean_discrepancy, b.mean_discrepancy, 1e-12);
  ExpectNear(a.mean_noise_floor, b.mean_noise_floor, 1e-12);
  ExpectNear(a.deviation_discrepancy, b.deviation_discrepancy, 1e-12);
  ExpectNear(a.deviation_noise_floor, b.deviation_noise_floor, 1e-12);
}

TEST(MethodComparisonTest, EveryFigureIsTheTextbooks) {
  for (const int64_t channels : {1, 5, 64}) {
    Feeder feeder{Compare(BatchNorm(), {channels}), channels};
    std::vector<float> before;
    int seed = 0;
    for (const int64_t rows : {4, 2, 30, 128, 7}) {
      const auto x = RandomFloats(rows * channels, 3, 10, ++seed);
      ExpectSame(feeder.Feed(x), ReferenceMeasurements(before, x, channels));
      before.insert(before.end(), x.begin(), x.end());
    }
  }
}

TEST(MethodComparisonTest, TheSummaryWeighsChunksThatHaveAFigureAlike) {
  Feeder feeder{Compare(BatchNorm(), {3}), 3};
  feeder.Feed(RandomFloats(30, 0, 1, 1));
  const Measurements second = feeder.Feed(RandomFloats(3, 0, 1, 2));  // refused by training
  const Measurements third = feeder.Feed(RandomFloats(300, 0, 5, 3));
  EXPECT_FALSE(second.output_gap.has_value());
  EXPECT_EQ(second.deviation_discrepancy, 1);  // no deviation
  EXPECT_EQ(second.deviation_noise_floor, 1);
  const MethodSummary summary = feeder.comparison.Summarize();
  EXPECT_EQ(summary.measurements.values, 111);
  EXPECT_EQ(summary.chunks_refused_by_training, 1);
  EXPECT_NEAR(*summary.measurements.output_gap, *third.output_gap / 2, 1e-12);  // first: 0
  EXPECT_EQ(summary.measurements.largest_gap, third.largest_gap);
  EXPECT_DOUBLE_EQ(*summary.measurements.mean_discrepancy,
                   (*second.mean_discrepancy + *third.mean_discrepancy) / 2);
  EXPECT_DOUBLE_EQ(*summary.measurements.deviation_discrepancy,
                   (*second.deviation_discrepancy + *third.deviation_discrepancy) / 2);
}

TEST(MethodComparisonTest, SingleRowsEnterPooledStatistics) {
  Feeder feeder{Compare(BatchNorm(), {2}), 2};
  const auto x = RandomFloats(40);
  for (int i = 0; i < 20; ++i) {
    const Measurements measured = feeder.Feed({x[2 * i], x[2 * i + 1]});
    EXPECT_EQ(measured.values, 1);
    EXPECT_FALSE(measured.output_gap.has_value());
    EXPECT_TRUE(feeder.outputs.training.empty());
    // A single value has no deviation to divide by.
    EXPECT_EQ(measured.mean_discrepancy.has_value(), i > 1);
  }
  const MethodSummary summary = feeder.comparison.Summarize();
  EXPECT_EQ(summary.chunks_refused_by_training, 20);
  EXPECT_EQ(summary.statistics->count, 20);
  std::vector<double> at;
  for (const ColdStart& early : summary.cold_start) at.push_back(early.values);
  EXPECT_THAT(at, ::testing::ElementsAre(1, 2, 4, 8, 16));
}

// It would drive the running variance to zero.
TEST(MethodComparisonTest, SingleValuesEnterNoAverageOfBatchVariances) {
  for (const bool unbiased : {true, false}) {
    for (const Estimator& estimator : {Estimator(BatchEma{.unbiased = unbiased}),
                                       Estimator(CumulativeBatch{.unbiased = unbiased})}) {
      Feeder feeder{Compare(BatchNorm(estimator), {1}), 1};
      EXPECT_EQ(feeder.Feed({5}).values, 0);
      EXPECT_EQ(feeder.comparison.Summarize().statistics->count, 0);
      feeder.Feed({1, 3, 2});
      const StatisticsSnapshot before = *feeder.comparison.Summarize().statistics;
      const Measurements single = feeder.Feed({5});
      EXPECT_EQ(single.values, 0);
      EXPECT_TRUE(single.mean_discrepancy.has_value());
      EXPECT_FALSE(single.output_gap.has_value());
      const MethodSummary summary = feeder.comparison.Summarize();
      EXPECT_TRUE(SameStatistics(before, *summary.statistics));
      EXPECT_EQ(summary.chunks_refused_by_training, 2);
    }
  }
}

TEST(MethodComparisonTest, ChannelsWithoutDeviationAreLeftOut) {
  Feeder feeder{Compare(BatchNorm(), {2}), 2};
  feeder.Feed({7, 1, 7, 3});
  EXPECT_EQ(feeder.Feed({9, 4, 9, 6}).mean_discrepancy, 3);  // of the second: |5 - 2| / 1
  Feeder constant{Compare(BatchNorm(), {1}), 1};
  constant.Feed({7, 7});
  const Measurements measured = constant.Feed({7, 7});
  EXPECT_FALSE(measured.mean_discrepancy.has_value());
  EXPECT_FALSE(measured.mean_noise_floor.has_value());
  EXPECT_FALSE(measured.deviation_discrepancy.has_value());
  EXPECT_EQ(measured.output_gap, 0);
  EXPECT_TRUE(constant.comparison.Summarize().cold_start.empty());
}

// Of two values, the inverse of the deviation has no expectation.
TEST(MethodComparisonTest, AnInfiniteNoiseFloorIsAbsent) {
  Feeder feeder{Compare(BatchNorm(), {1}), 1};
  feeder.Feed({1, 2});
  const Measurements measured = feeder.Feed({1, 2, 4});
  EXPECT_TRUE(measured.deviation_discrepancy.has_value());
  EXPECT_FALSE(measured.deviation_noise_floor.has_value());
}

TEST(MethodComparisonTest, OutputsAreThoseOfTheStatisticsAfterTheChunk) {
  const NormalizationSpec spec = *Resolve(BatchNorm());
  const ChannelNormalizer normalizer = *ChannelNormalizer::Create(spec, {3});
  RunningStatistics statistics(*spec.estimator, 3);
  Feeder feeder{Compare(spec, {3}), 3};
  for (const int64_t rows : {5, 1, 40}) {
    const auto x = RandomFloats(rows * 3);
    feeder.Feed(x);
    statistics.Fold(x.data(), normalizer.Layout(rows),
                    normalizer.ComputeFinite(x.data(), rows)->statistics);
    std::vector<float> y(x.size());
    normalizer.Apply(normalizer.CoefficientsOf(statistics), Direction::kForward, x.data(), rows,
                     y.data());
    EXPECT_TRUE(SameBits(Floats(feeder.outputs.inference), y));
    if (rows == 1) continue;
    ASSERT_THAT(normalizer.NormalizeByBatch(x.data(), rows, y.data()), IsOk());
    EXPECT_TRUE(SameBits(Floats(feeder.outputs.training), y));
  }
}

TEST(MethodComparisonTest, RejectRefusesBeforeAnythingEnters) {
  const MethodComparison comparison = Compare(BatchNorm(), {2});
  const std::vector<float> x = {1, 2, kNan, 4};
  EXPECT_THAT(comparison.Check(x.data(), 2), IsInvalidField("data"));
  EXPECT_THAT(comparison.Check(x.data(), 1), IsOk());
  EXPECT_EQ(comparison.Summarize().statistics->count, 0);
}

TEST(MethodComparisonTest, PropagatedRowsAreLeftOutOfEveryFigure) {
  for (NormalizationSpec spec : {BatchNorm(),
                                 {.method = Method::kLayerNorm},
                                 {.method = Method::kDynamicTanh},
                                 {.method = Method::kMinMax}}) {
    spec.non_finite = NonFinitePolicy::kPropagate;
    Feeder with{Compare(spec, {3}), 3};
    Feeder without{Compare(spec, {3}), 3};
    for (int seed = 1; seed < 5; ++seed) {
      auto x = RandomFloats(30, 0, 1, seed);
      const Measurements expected = without.Feed(x);
      const float odd = seed % 2 == 0 ? kNan : std::numeric_limits<float>::infinity();
      x.insert(x.begin() + 6, {1, odd, 2});
      const Measurements measured = with.Feed(x);
      EXPECT_EQ(measured.values, 10);
      EXPECT_EQ(measured.output_gap, expected.output_gap);
      EXPECT_EQ(measured.largest_gap, expected.largest_gap);
      EXPECT_EQ(measured.mean_discrepancy, expected.mean_discrepancy);
      EXPECT_EQ(measured.deviation_discrepancy, expected.deviation_discrepancy);
      EXPECT_EQ(with.outputs.inference.size(), x.size() * sizeof(float));
    }
  }
}

TEST(MethodComparisonTest, MethodsOfRowsAreTheSameByThemselves) {
  for (const MethodTraits& traits : Methods()) {
    if (!traits.same_in_training_and_inference) continue;
    NormalizationSpec spec{.method = traits.method};
    if (traits.method == Method::kGroupNorm) spec.group_count = 2;
    MethodComparison comparison = Compare(spec, {4, 6});
    ChunkOutputs outputs;
    const auto x = RandomFloats(9 * 24);
    const Measurements measured = comparison.Measure(x.data(), 9, outputs);
    EXPECT_EQ(measured.values, 9) << traits.name;
    EXPECT_EQ(measured.output_gap, 0) << traits.name;
    EXPECT_EQ(measured.largest_gap, 0) << traits.name;
    EXPECT_FALSE(measured.mean_discrepancy.has_value());
    EXPECT_TRUE(outputs.training.empty());
    const MethodSummary summary = comparison.Summarize();
    EXPECT_FALSE(summary.statistics.has_value());
    EXPECT_EQ(summary.chunks_refused_by_training, 0);
  }
}

TEST(MethodComparisonTest, ExtremesHaveAGapOnly) {
  Feeder feeder{Compare({.method = Method::kMinMax}, {1}), 1};
  feeder.Feed({0, 1});
  const Measurements measured = feeder.Feed({0, 2});  // 0 and 1 by both
  EXPECT_EQ(measured.output_gap, 0);
  EXPECT_EQ(feeder.Feed({0, 1}).output_gap, 1);  // 0 and 1 instead of 0 and 0.5
  EXPECT_FALSE(measured.mean_discrepancy.has_value());
  EXPECT_FALSE(measured.deviation_discrepancy.has_value());
  EXPECT_EQ(feeder.Feed({1}).values, 1);
  const MethodSummary summary = feeder.comparison.Summarize();
  EXPECT_TRUE(summary.cold_start.empty());
  EXPECT_THAT(summary.statistics->maximum, ::testing::ElementsAre(2));
}

TEST(MethodComparisonTest, ChunksWithoutRowsMeasureNothing) {
  for (const NormalizationSpec& spec : {BatchNorm(), {.method = Method::kLayerNorm}}) {
    Feeder feeder{Compare(spec, {3}), 3};
    const Measurements measured = feeder.Feed({});
    EXPECT_EQ(measured.values, 0);
    EXPECT_FALSE(measured.output_gap.has_value());
    EXPECT_FALSE(measured.largest_gap.has_value());
    EXPECT_TRUE(feeder.outputs.inference.empty());
  }
}

TEST(MethodComparisonTest, RowsMayBringTheirOwnSteps) {
  const auto x = RandomFloats(10 * 4);
  const std::vector<int64_t> steps = {3, 6, 1};
  MethodComparison varying = Compare(BatchNorm(), {-1, 4});
  Feeder flat{Compare(BatchNorm(), {4}), 4};
  ChunkOutputs outputs;
  for (int i = 0; i < 2; ++i) {
    const Measurements a = varying.Measure(x.data(), {3, steps}, outputs);
    const Measurements b = flat.Feed(x);
    EXPECT_EQ(a.values, 10);
    EXPECT_EQ(a.mean_discrepancy, b.mean_discrepancy);
    EXPECT_NEAR(*a.output_gap, *b.output_gap, 1e-15);
    EXPECT_EQ(outputs.training, flat.outputs.training);
  }
  MethodComparison rows = Compare({.method = Method::kLayerNorm, .normalized_rank = 2}, {-1, 4});
  EXPECT_EQ(rows.Measure(x.data(), {3, steps}, outputs).output_gap, 0);
}

}  // namespace
}  // namespace normd
