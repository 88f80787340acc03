// What each mode normalizes by, and what it does to the statistics.
#include <gtest/gtest.h>

#include <cmath>

#include "core/session/session.h"
#include "tests/core/session/session_driver.h"
#include "tests/testing/error_bound.h"
#include "tests/testing/error_matchers.h"
#include "tests/testing/non_finite.h"
#include "tests/testing/random_values.h"
#include "tests/testing/same_statistics.h"

namespace normd {
namespace {

using testing::ConfigOf;
using testing::ExpectWithinErrorBound;
using testing::FakeClock;
using testing::IsError;
using testing::IsInvalidField;
using testing::IsOk;
using testing::kInference;
using testing::kInfinity;
using testing::kNan;
using testing::kOrders;
using testing::kPerChunk;
using testing::kPerRow;
using testing::kTraining;
using testing::RandomFloats;
using testing::SameBits;
using testing::SameStatistics;
using testing::SessionDriver;

constexpr int64_t kChannels = 5;
const Estimator kEstimators[] = {Cumulative{}, CumulativeBatch{}, BatchEma{}, TokenEma{0.1}};
constexpr StreamingPolicy kUpdatingPolicies[] = {kTraining, kPerRow, kPerChunk};

// What `statistics` give for `x`, in long double.
std::vector<long double> Expected(const std::vector<float>& x,
                                  const StatisticsSnapshot& statistics) {
  const int64_t rows = static_cast<int64_t>(x.size()) / kChannels;
  return testing::ReferenceChannelNormalize(
      x.data(), {rows, kChannels, 1}, {statistics.mean.begin(), statistics.mean.end()},
      {statistics.variance.begin(), statistics.variance.end()}, 1e-5, nullptr, nullptr);
}

class SessionModes : public ::testing::Test {
 protected:
  FakeClock clock_;
};

TEST_F(SessionModes, InferenceNormalizesByTheStatisticsAndLeavesThem) {
  for (const Estimator& estimator : kEstimators) {
    SessionConfig started = ConfigOf(estimator, kChannels);
    started.initial_statistics = {10, {1, 2, 3, 4, 5}, {9, 4, 1, 0.25, 0}, 3};
    for (const SessionConfig& config : {ConfigOf(estimator, kChannels), started}) {
      const SessionDriver driver(config, clock_);
      const SessionSnapshot before = driver.Snapshot();
      const auto x = RandomFloats(7 * kChannels);
      const auto chunk = driver.Apply(kInference, x);
      ASSERT_THAT(chunk, IsOk());
      ExpectWithinErrorBound(chunk->y, Expected(x, before.statistics), {});
      EXPECT_EQ(chunk->version, before.version);
      EXPECT_TRUE(SameStatistics(driver.Statistics(), before.statistics));
    }
  }
}

TEST_F(SessionModes, TrainingNormalizesByTheChunkAndFoldsItIn) {
  for (const Estimator& estimator : kEstimators) {
    const SessionDriver driver(ConfigOf(estimator, kChannels), clock_);
    RunningStatistics statistics(estimator, kChannels);
    for (uint64_t batch = 1; batch <= 3; ++batch) {
      const int64_t rows = 2 + 5 * static_cast<int64_t>(batch);
      const auto x = RandomFloats(rows * kChannels);
      Moments moments(kChannels);
      moments.Compute(x.data(), {rows, kChannels, 1});
      statistics.Fold(x.data(), {rows, kChannels, 1}, moments);
      std::vector<float> expected(x.size());
      ASSERT_THAT(driver.normalizer().NormalizeByBatch(x.data(), rows, expected.data()), IsOk());
      const auto chunk = driver.Apply(kTraining, x);
      ASSERT_THAT(chunk, IsOk());
      EXPECT_TRUE(SameBits(chunk->y, expected));
      EXPECT_EQ(chunk->version, batch);
      EXPECT_TRUE(SameStatistics(driver.Statistics(), statistics.Snapshot()));
    }
  }
}

TEST_F(SessionModes, TrainingNeedsTwoValuesPerChannel) {
  const SessionDriver tokens(ConfigOf(BatchEma{}, kChannels), clock_);
  ASSERT_THAT(tokens.Apply(kTraining, RandomFloats(4 * kChannels)), IsOk());
  const SessionSnapshot before = tokens.Snapshot();
  const auto refused = tokens.Apply(kTraining, RandomFloats(kChannels));
  EXPECT_THAT(refused, IsError(absl::StatusCode::kInvalidArgument, "NEEDS_MORE_ROWS"));
  EXPECT_THAT(refused, IsInvalidField("data"));
  EXPECT_EQ(tokens.Snapshot().version, before.version);
  EXPECT_TRUE(SameStatistics(tokens.Statistics(), before.statistics));
  const SessionDriver images(ConfigOf(BatchEma{}, kChannels), {kChannels, 2, 3}, clock_);
  EXPECT_THAT(images.Apply(kTraining, RandomFloats(kChannels * 6)), IsOk());
}

TEST_F(SessionModes, PerChunkFoldsAChunkInAtOnce) {
  for (const Estimator& estimator : {Estimator(Cumulative{}), Estimator(TokenEma{0.1})}) {
    for (UpdateOrder order : kOrders) {
      const SessionDriver driver(ConfigOf(estimator, kChannels), clock_);
      for (uint64_t chunks = 1; chunks <= 4; ++chunks) {
        const auto x = RandomFloats(static_cast<int64_t>(chunks) * kChannels);
        const StatisticsSnapshot before = driver.Statistics();
        const auto chunk = driver.Apply(testing::Streaming(order, UpdateGranularity::kPerChunk), x);
        ASSERT_THAT(chunk, IsOk());
        const StatisticsSnapshot after = driver.Statistics();
        const bool updates_first = order == UpdateOrder::kUpdateThenNormalize;
        ExpectWithinErrorBound(chunk->y, Expected(x, updates_first ? after : before), {});
        EXPECT_EQ(chunk->version, chunks);
        EXPECT_EQ(after.batches, chunks);
        EXPECT_EQ(after.count, before.count + static_cast<double>(chunks));
      }
    }
  }
}

TEST_F(SessionModes, PerRowFoldsRowByRow) {
  for (const Estimator& estimator : {Estimator(Cumulative{}), Estimator(TokenEma{0.1})}) {
    for (UpdateOrder order : kOrders) {
      const SessionDriver driver(ConfigOf(estimator, kChannels), clock_);
      RunningStatistics statistics(estimator, kChannels);
      const auto x = RandomFloats(6 * kChannels);
      std::vector<long double> expected;
      for (auto row = x.begin(); row != x.end(); row += kChannels) {
        const std::vector<float> token(row, row + kChannels);
        Moments moments(kChannels);
        moments.Compute(token.data(), {1, kChannels, 1});
        const StatisticsSnapshot before = statistics.Snapshot();
        statistics.Fold(token.data(), {1, kChannels, 1}, moments);
        const bool updates_first = order == UpdateOrder::kUpdateThenNormalize;
        const auto y = Expected(token, updates_first ? statistics.Snapshot() : before);
        expected.insert(expected.end(), y.begin(), y.end());
      }
      const auto chunk = driver.Apply(testing::Streaming(order, UpdateGranularity::kPerRow), x);
      ASSERT_THAT(chunk, IsOk());
      ExpectWithinErrorBound(chunk->y, expected, {});
      EXPECT_EQ(chunk->version, 1);
      EXPECT_TRUE(SameStatistics(driver.Statistics(), statistics.Snapshot()));
      EXPECT_EQ(driver.Statistics().batches, 6);
    }
  }
}

TEST_F(SessionModes, StreamingTakesEstimatorsOfSingleTokensOnly) {
  EXPECT_THAT(Validate(kPerRow, Cumulative{}), IsOk());
  EXPECT_THAT(Validate(kPerChunk, TokenEma{}), IsOk());
  for (const StreamingPolicy& policy : {kPerRow, kPerChunk}) {
    EXPECT_THAT(Validate(policy, BatchEma{}), IsInvalidField("mode"));
    EXPECT_THAT(Validate(policy, CumulativeBatch{}), IsInvalidField("mode"));
  }
  for (const Estimator& estimator : kEstimators) {
    EXPECT_THAT(Validate(kTraining, estimator), IsOk());
    EXPECT_THAT(Validate(kInference, estimator), IsOk());
  }
}

TEST_F(SessionModes, WriteInPlace) {
  for (StreamingPolicy policy : {kTraining, kInference, kPerRow, kPerChunk}) {
    for (UpdateOrder order : kOrders) {
      policy.order = order;
      const SessionDriver driver(ConfigOf(Cumulative{}, kChannels), clock_);
      const SessionDriver in_place(ConfigOf(Cumulative{}, kChannels), clock_);
      const auto x = RandomFloats(9 * kChannels);
      std::vector<float> y = x;
      ASSERT_THAT(in_place.session().Apply(in_place.normalizer(), policy, y.data(), 9, y.data()),
                  IsOk());
      EXPECT_TRUE(SameBits(y, driver.Apply(policy, x)->y));
      EXPECT_TRUE(SameStatistics(in_place.Statistics(), driver.Statistics()));
    }
  }
}

TEST_F(SessionModes, UpdatesOfAFrozenSessionAreRefusedByDefault) {
  for (const StreamingPolicy& policy : kUpdatingPolicies) {
    const SessionDriver driver(ConfigOf(Cumulative{}, kChannels), clock_);
    const auto x = RandomFloats(4 * kChannels);
    ASSERT_THAT(driver.Apply(kPerRow, x), IsOk());
    ASSERT_THAT(driver.session().Update({.frozen = true}, ""), IsOk());
    const SessionSnapshot before = driver.Snapshot();
    EXPECT_THAT(driver.Apply(policy, x), IsError(absl::StatusCode::kFailedPrecondition, "FROZEN"));
    EXPECT_EQ(driver.Snapshot().version, before.version);
    EXPECT_TRUE(SameStatistics(driver.Statistics(), before.statistics));
    EXPECT_THAT(driver.Apply(kInference, x), IsOk());
    ASSERT_THAT(driver.session().Update({.frozen = false}, ""), IsOk());
    EXPECT_EQ(driver.Apply(policy, x)->version, before.version + 1);
  }
}

TEST_F(SessionModes, AFrozenSessionNormalizesOnlyWhereAskedTo) {
  for (StreamingPolicy policy : kUpdatingPolicies) {
    for (UpdateOrder order : kOrders) {
      policy.order = order;
      policy.on_frozen = OnFrozen::kNormalizeOnly;
      const SessionDriver driver(ConfigOf(Cumulative{}, kChannels), clock_);
      const auto x = RandomFloats(4 * kChannels);
      ASSERT_THAT(driver.Apply(policy, x), IsOk());
      ASSERT_THAT(driver.session().Update({.frozen = true}, ""), IsOk());
      const SessionSnapshot before = driver.Snapshot();
      const auto chunk = driver.Apply(policy, x);
      ASSERT_THAT(chunk, IsOk());
      EXPECT_EQ(chunk->version, before.version);
      EXPECT_TRUE(SameStatistics(driver.Statistics(), before.statistics));
      if (policy.mode == BatchNormMode::kTraining) {
        std::vector<float> by_batch(x.size());
        ASSERT_THAT(driver.normalizer().NormalizeByBatch(x.data(), 4, by_batch.data()), IsOk());
        EXPECT_TRUE(SameBits(chunk->y, by_batch));
      } else {
        EXPECT_TRUE(SameBits(chunk->y, driver.Apply(kInference, x)->y));
      }
    }
  }
}

TEST_F(SessionModes, AChunkWithNanLeavesTheStatisticsAsTheyWereUnderReject) {
  for (const Estimator& estimator : {Estimator(Cumulative{}), Estimator(TokenEma{0.1})}) {
    for (const StreamingPolicy& policy : {kInference, kTraining, kPerRow, kPerChunk}) {
      const SessionDriver driver(ConfigOf(estimator, kChannels), clock_);
      const auto x = RandomFloats(4 * kChannels);
      ASSERT_THAT(driver.Apply(kPerRow, x), IsOk());
      const SessionSnapshot before = driver.Snapshot();
      for (float special : {kNan, kInfinity}) {
        std::vector<float> bad = x;
        bad.back() = special;  // after three rows that are good
        EXPECT_THAT(driver.Apply(policy, bad), IsInvalidField("data"));
        EXPECT_EQ(driver.Snapshot().version, before.version);
        EXPECT_TRUE(SameStatistics(driver.Statistics(), before.statistics));
      }
      EXPECT_THAT(driver.Apply(policy, x), IsOk());
    }
  }
}

TEST_F(SessionModes, RowsWithNanStayOutOfTheStatisticsUnderPropagate) {
  for (const Estimator& estimator : {Estimator(Cumulative{}), Estimator(TokenEma{0.1})}) {
    SessionConfig config = ConfigOf(estimator, kChannels);
    config.spec.non_finite = NonFinitePolicy::kPropagate;
    for (const StreamingPolicy& policy : kUpdatingPolicies) {
      const SessionDriver driver(config, clock_);
      const SessionDriver of_finite(config, clock_);
      auto x = RandomFloats(4 * kChannels);
      x[kChannels + 2] = kNan;
      std::vector<float> finite = x;
      finite.erase(finite.begin() + kChannels, finite.begin() + 2 * kChannels);
      auto y = driver.Apply(policy, x)->y;
      EXPECT_TRUE(std::isnan(y[kChannels + 2]));
      y.erase(y.begin() + kChannels, y.begin() + 2 * kChannels);
      EXPECT_TRUE(SameBits(y, of_finite.Apply(policy, finite)->y));
      EXPECT_TRUE(SameStatistics(driver.Statistics(), of_finite.Statistics()));
    }
  }
}

TEST_F(SessionModes, AChunkWithoutAFiniteRowChangesNothingUnderPropagate) {
  SessionConfig config = ConfigOf(Cumulative{}, kChannels);
  config.spec.non_finite = NonFinitePolicy::kPropagate;
  for (const StreamingPolicy& policy : {kPerRow, kPerChunk}) {
    const SessionDriver driver(config, clock_);
    ASSERT_THAT(driver.Apply(policy, RandomFloats(4 * kChannels)), IsOk());
    const SessionSnapshot before = driver.Snapshot();
    const auto chunk = driver.Apply(policy, std::vector<float>(2 * kChannels, kNan));
    ASSERT_THAT(chunk, IsOk());
    EXPECT_EQ(chunk->version, before.version);
    EXPECT_TRUE(SameStatistics(driver.Statistics(), before.statistics));
    for (float value : chunk->y) EXPECT_TRUE(std::isnan(value));
  }
}

}  // namespace
}  // namespace normd
