#include "core/statistics/running_statistics.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/testing/error_matchers.h"
#include "tests/testing/non_finite.h"
#include "tests/testing/random_values.h"
#include "tests/testing/reference.h"
#include "tests/testing/same_statistics.h"

namespace normd {
namespace {

using testing::IsInvalidField;
using testing::IsOk;
using testing::kInfinity;
using testing::kNan;
using testing::RandomFloats;
using testing::RandomPartition;
using testing::ReferenceChannelStatistics;
using testing::SameStatistics;

const Estimator kEstimators[] = {Cumulative{}, CumulativeBatch{}, BatchEma{}, TokenEma{0.1}};

void Fold(const float* x, const ChannelLayout& layout, RunningStatistics& statistics) {
  Moments moments(layout.channels);
  moments.Compute(x, layout);
  statistics.Fold(x, layout, moments);
}

void ExpectNear(const std::vector<double>& values, const std::vector<long double>& expected) {
  ASSERT_EQ(values.size(), expected.size());
  for (size_t c = 0; c < values.size(); ++c) {
    const double bound = 1e-13 * std::max(1.0, std::fabs(values[c]));
    EXPECT_NEAR(values[c], static_cast<double>(expected[c]), bound) << "channel " << c;
  }
}

// Five batches of other sizes, [N, 3, inner], and their statistics.
struct Batches {
  explicit Batches(int64_t inner) {
    for (int64_t rows : {2, 16, 5, 33, 8}) {
      layouts.push_back({rows, 3, inner});
      values.push_back(RandomFloats(layouts.back().size(), 3, 10));
      references.push_back(ReferenceChannelStatistics(values.back().data(), layouts.back()));
    }
  }
  void FoldInto(RunningStatistics& statistics) const {
    for (size_t i = 0; i < layouts.size(); ++i) Fold(values[i].data(), layouts[i], statistics);
  }
  long double Variance(size_t batch, size_t channel, bool unbiased) const {
    const long double count = layouts[batch].values_per_channel();
    return references[batch].variance[channel] * (unbiased ? count / (count - 1) : 1);
  }

  std::vector<ChannelLayout> layouts;
  std::vector<std::vector<float>> values;
  std::vector<testing::ReferenceMoments> references;
};

TEST(RunningStatistics, StartFromMeanZeroAndVarianceOne) {
  for (const Estimator& estimator : kEstimators) {
    const RunningStatistics statistics(estimator, 2);
    const StatisticsSnapshot nothing{0, {0, 0}, {1, 1}, 0};
    EXPECT_TRUE(SameStatistics(statistics.Snapshot(), nothing));
    double center[2];
    double scale[2];
    statistics.ComputeCoefficients({{3}}, center, scale);
    EXPECT_EQ(center[0], 0);
    EXPECT_EQ(scale[0], 0.5);
    const double gamma[] = {4, -6};
    statistics.ComputeCoefficients({{3}, gamma}, center, scale);
    EXPECT_EQ(scale[0], 2);
    EXPECT_EQ(scale[1], -3);
  }
}

TEST(RunningStatistics, CountValuesAndBatches) {
  for (const Estimator& estimator : kEstimators) {
    RunningStatistics statistics(estimator, 3);
    Batches(4).FoldInto(statistics);
    EXPECT_EQ(statistics.Snapshot().count, 4 * (2 + 16 + 5 + 33 + 8));
    EXPECT_EQ(statistics.Snapshot().batches, 5);
    EXPECT_EQ(statistics.batches(), 5);
  }
}

TEST(Cumulative, IsThePooledMoments) {
  for (int64_t inner : {1, 6}) {
    const ChannelLayout whole{500, 3, inner};
    const auto x = RandomFloats(whole.size(), 3, 10);
    const auto expected = ReferenceChannelStatistics(x.data(), whole);
    for (int64_t largest : {1, 30, 400}) {
      RunningStatistics statistics(Cumulative{}, 3);
      const float* begin = x.data();
      for (int64_t rows : RandomPartition(500, largest, 1)) {
        Fold(begin, {rows, 3, inner}, statistics);
        begin += rows * 3 * inner;
      }
      const StatisticsSnapshot snapshot = statistics.Snapshot();
      for (int c = 0; c < 3; ++c) {
        const double variance = static_cast<double>(expected.variance[c]);
        EXPECT_NEAR(snapshot.mean[c], static_cast<double>(expected.mean[c]),
                    1e-12 * std::sqrt(variance));
        EXPECT_NEAR(snapshot.variance[c], variance, 1e-12 * variance);
      }
      double center[3];
      double scale[3];
      statistics.ComputeCoefficients({{1e-5}}, center, scale);
      EXPECT_EQ(center[1], snapshot.mean[1]);
      EXPECT_EQ(scale[1], 1 / std::sqrt(snapshot.variance[1] + 1e-5));
    }
  }
}

// The first value replaces the variance 1 of the start.
TEST(Cumulative, OfOneValueHasVarianceZero) {
  RunningStatistics statistics(Cumulative{}, 1);
  const float x = 7;
  Fold(&x, {1, 1, 1}, statistics);
  EXPECT_TRUE(SameStatistics(statistics.Snapshot(), {1, {7}, {0}, 1}));
}

TEST(CumulativeBatch, AveragesBatchesWhateverTheirSize) {
  for (int64_t inner : {1, 4}) {
    for (bool unbiased : {true, false}) {
      const Batches batches(inner);
      std::vector<long double> mean(3), variance(3);
      for (size_t i = 0; i < batches.values.size(); ++i) {
        for (size_t c = 0; c < 3; ++c) {
          mean[c] += batches.references[i].mean[c] / 5;
          variance[c] += batches.Variance(i, c, unbiased) / 5;
        }
      }
      RunningStatistics statistics(CumulativeBatch{unbiased}, 3);
      batches.FoldInto(statistics);
      ExpectNear(statistics.Snapshot().mean, mean);
      ExpectNear(statistics.Snapshot().variance, variance);
    }
  }
}

// PyTorch: running = (1 - momentum) * running + momentum * batch, with Bessel's correction in the
// variance; from 0 and 1.
TEST(BatchEma, FollowsPyTorch) {
  for (int64_t inner : {1, 4}) {
    for (bool unbiased : {true, false}) {
      for (double momentum : {0.1, 0.5, 1.0}) {
        const Batches batches(inner);
        std::vector<long double> mean(3, 0), variance(3, 1);
        for (size_t i = 0; i < batches.values.size(); ++i) {
          for (size_t c = 0; c < 3; ++c) {
            mean[c] = (1 - momentum) * mean[c] + momentum * batches.references[i].mean[c];
            variance[c] =
                (1 - momentum) * variance[c] + momentum * batches.Variance(i, c, unbiased);
          }
        }
        RunningStatistics statistics(BatchEma{momentum, MomentumConvention::kNewWeight, unbiased},
                                     3);
        batches.FoldInto(statistics);
        ExpectNear(statistics.Snapshot().mean, mean);
        ExpectNear(statistics.Snapshot().variance, variance);
      }
    }
  }
}

// A small variance would drown in the variance 1 of the start.
TEST(BatchAverages, TakeAFirstBatchOfFullWeightAsItIs) {
  const std::vector<float> x = {1e-10f, 3e-10f};
  Moments moments(1);
  moments.Compute(x.data(), {2, 1, 1});
  for (const Estimator& estimator : {Estimator(CumulativeBatch{}), Estimator(BatchEma{1})}) {
    RunningStatistics statistics(estimator, 1);
    statistics.Fold(x.data(), {2, 1, 1}, moments);
    EXPECT_TRUE(SameStatistics(statistics.Snapshot(), {2, moments.mean, moments.m2, 1}));
  }
}

TEST(BatchEma, TakesTheOldWeightAsWell) {
  const Batches batches(1);
  RunningStatistics of_new(BatchEma{0.25, MomentumConvention::kNewWeight}, 3);
  RunningStatistics of_old(BatchEma{0.75, MomentumConvention::kOldWeight}, 3);
  batches.FoldInto(of_new);
  batches.FoldInto(of_old);
  EXPECT_TRUE(SameStatistics(of_new.Snapshot(), of_old.Snapshot()));
}

TEST(TokenEma, FollowsItsRecurrenceTokenByToken) {
  for (int64_t inner : {1, 4}) {
    const Batches batches(inner);
    std::vector<long double> mean(3, 0), variance(3, 1);
    for (const std::vector<float>& x : batches.values) {
      for (size_t i = 0; i < x.size(); ++i) {
        const size_t c = i / inner % 3;
        const long double d = x[i] - mean[c];
        mean[c] += 0.1L * d;
        variance[c] = 0.9L * (variance[c] + 0.1L * d * d);
      }
    }
    RunningStatistics statistics(TokenEma{0.1}, 3);
    batches.FoldInto(statistics);
    ExpectNear(statistics.Snapshot().mean, mean);
    ExpectNear(statistics.Snapshot().variance, variance);
  }
}

TEST(TokenEma, NeedsTheValuesAndTheOthersTheirMomentsOnly) {
  const Batches batches(1);
  for (const Estimator& estimator : kEstimators) {
    RunningStatistics statistics(estimator, 3);
    const bool folds_tokens = std::holds_alternative<TokenEma>(estimator);
    ASSERT_EQ(statistics.folds_tokens(), folds_tokens);
    RunningStatistics expected = statistics;
    Fold(batches.values[0].data(), batches.layouts[0], expected);
    Moments moments(folds_tokens ? 0 : 3);
    if (!folds_tokens) moments.Compute(batches.values[0].data(), batches.layouts[0]);
    statistics.Fold(folds_tokens ? batches.values[0].data() : nullptr, batches.layouts[0], moments);
    EXPECT_TRUE(SameStatistics(statistics.Snapshot(), expected.Snapshot()));
  }
}

TEST(From, NamesTheFieldThatIsWrong) {
  const StatisticsSnapshot good{4, {1, 2}, {3, 0}, 1};
  for (const Estimator& estimator : kEstimators) {
    const auto expect_refused = [&](const StatisticsSnapshot& initial, const char* field) {
      EXPECT_THAT(RunningStatistics::From(estimator, 2, initial), IsInvalidField(field));
    };
    EXPECT_THAT(RunningStatistics::From(estimator, 2, good), IsOk());
    for (const std::vector<double>& values :
         std::vector<std::vector<double>>{{}, {1}, {1, 2, 3}, {1, kNan}, {kInfinity, 1}}) {
      StatisticsSnapshot bad = good;
      bad.mean = values;
      expect_refused(bad, "mean");
      bad = good;
      bad.variance = values;
      expect_refused(bad, "variance");
    }
    StatisticsSnapshot bad = good;
    bad.variance[1] = -1e-300;
    expect_refused(bad, "variance");
    for (double count : {-1.0, kNan, kInfinity}) {
      bad = good;
      bad.count = count;
      expect_refused(bad, "count");
    }
  }
}

TEST(From, NeedsWhatTheNextUpdateIsWeighedAgainst) {
  for (const Estimator& estimator : kEstimators) {
    for (const StatisticsSnapshot& initial :
         {StatisticsSnapshot{0, {1, 2}, {3, 4}, 1}, StatisticsSnapshot{1, {1, 2}, {3, 4}, 0}}) {
      const auto statistics = RunningStatistics::From(estimator, 2, initial);
      if (std::holds_alternative<Cumulative>(estimator) && initial.count == 0) {
        EXPECT_THAT(statistics, IsInvalidField("count"));
      } else if (std::holds_alternative<CumulativeBatch>(estimator) && initial.batches == 0) {
        EXPECT_THAT(statistics, IsInvalidField("batches"));
      } else {
        ASSERT_THAT(statistics, IsOk());
        EXPECT_TRUE(SameStatistics(statistics->Snapshot(), initial));
      }
    }
  }
}

// What is taken, however far out, goes on with finite statistics.
TEST(From, TakesNothingThatLaterOverflows) {
  const StatisticsSnapshot largest{1e18, {1e100}, {1e200}, uint64_t{1} << 53};
  const std::vector<float> x = {-3e38f, 3e38f};
  const ChannelLayout layout{2, 1, 1};
  for (Estimator estimator : kEstimators) {
    for (const auto& [change, field] :
         {std::pair(StatisticsSnapshot{1, {1e101}, {1}, 1}, "mean"),
          std::pair(StatisticsSnapshot{1, {1}, {1e201}, 1}, "variance"),
          std::pair(StatisticsSnapshot{1e19, {1}, {1}, 1}, "count"),
          std::pair(StatisticsSnapshot{1, {1}, {1}, ~uint64_t{0}}, "batches")}) {
      EXPECT_THAT(RunningStatistics::From(estimator, 1, change), IsInvalidField(field));
    }
    auto statistics = RunningStatistics::From(estimator, 1, largest);
    ASSERT_THAT(statistics, IsOk());
    Fold(x.data(), layout, *statistics);
    const StatisticsSnapshot after = statistics->Snapshot();
    EXPECT_TRUE(std::isfinite(after.mean[0]) && std::isfinite(after.variance[0]));
    EXPECT_EQ(after.batches, largest.batches + 1);
  }
}

TEST(From, GoesOnWhereASnapshotStopped) {
  const Batches batches(4);
  for (const Estimator& estimator : kEstimators) {
    RunningStatistics original(estimator, 3);
    batches.FoldInto(original);
    auto restored = RunningStatistics::From(estimator, 3, original.Snapshot());
    ASSERT_THAT(restored, IsOk());
    for (int round = 0; round < 2; ++round) {
      const StatisticsSnapshot expected = original.Snapshot();
      const StatisticsSnapshot snapshot = restored->Snapshot();
      EXPECT_EQ(snapshot.count, expected.count);
      EXPECT_EQ(snapshot.batches, expected.batches);
      for (int c = 0; c < 3; ++c) {
        EXPECT_DOUBLE_EQ(snapshot.mean[c], expected.mean[c]);
        EXPECT_DOUBLE_EQ(snapshot.variance[c], expected.variance[c]);
      }
      Fold(batches.values[1].data(), batches.layouts[1], original);
      Fold(batches.values[1].data(), batches.layouts[1], *restored);
    }
  }
}

}  // namespace
}  // namespace normd
