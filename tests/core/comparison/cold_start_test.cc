#include "core/comparison/cold_start.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/comparison/noise_floor.h"
#include "tests/testing/random_values.h"
#include "tests/testing/reference.h"

namespace normd {
namespace {

using testing::ReferenceMoments;

// Folds chunks of so many rows of one channel each, and observes.
std::vector<ColdStart> ColdStartOf(const std::vector<float>& x, const std::vector<int64_t>& parts) {
  RunningStatistics statistics(Cumulative(), 1);
  ColdStartSnapshots snapshots;
  Moments moments(1);
  const float* begin = x.data();
  for (const int64_t rows : parts) {
    const ChannelLayout layout{rows, 1, 1};
    moments.Compute(begin, layout);
    statistics.Fold(begin, layout, moments);
    snapshots.Observe(statistics);
    begin += rows;
  }
  return snapshots.CompareTo(statistics.Snapshot());
}

TEST(ColdStartTest, ComparesPrefixesToTheWhole) {
  const auto x = testing::RandomFloats(1000);
  const auto result = ColdStartOf(x, std::vector<int64_t>(1000, 1));
  ASSERT_EQ(result.size(), 10);  // 1, 2, 4, ..., 512
  const ReferenceMoments all = testing::ReferenceChannelStatistics(x.data(), {1000, 1, 1});
  const long double deviation = std::sqrt(all.variance[0]);
  for (size_t i = 0; i < result.size(); ++i) {
    const int64_t n = int64_t{1} << i;
    const ReferenceMoments prefix = testing::ReferenceChannelStatistics(x.data(), {n, 1, 1});
    EXPECT_EQ(result[i].values, n);
    EXPECT_NEAR(result[i].mean_discrepancy,
                static_cast<double>(std::fabs(prefix.mean[0] - all.mean[0]) / deviation), 1e-12);
    EXPECT_NEAR(result[i].deviation_discrepancy,
                static_cast<double>(std::fabs(std::sqrt(prefix.variance[0]) / deviation - 1)),
                1e-12);
    EXPECT_EQ(result[i].mean_noise_floor, PrefixMeanNoiseFloor(static_cast<double>(n), 1000));
  }
}

TEST(ColdStartTest, TakesTheFirstChunksEndAtOrAfterEachPowerOfTwo) {
  const auto result = ColdStartOf(testing::RandomFloats(60), {3, 2, 2, 1, 30, 22});
  std::vector<double> at;
  for (const ColdStart& early : result) at.push_back(early.values);
  EXPECT_THAT(at, ::testing::ElementsAre(3, 5, 8, 38));
}

TEST(ColdStartTest, MemoryIsCapped) {
  constexpr int64_t kChannels = 50'000;  // 0.8 MB a snapshot: 5 fit into 4 MiB
  RunningStatistics statistics(Cumulative(), kChannels);
  ColdStartSnapshots snapshots;
  Moments moments(kChannels);
  for (int i = 0; i < 128; ++i) {
    const auto x = testing::RandomFloats(kChannels, 0, 1, i);
    const ChannelLayout layout{1, kChannels, 1};
    moments.Compute(x.data(), layout);
    statistics.Fold(x.data(), layout, moments);
    snapshots.Observe(statistics);
  }
  EXPECT_EQ(snapshots.CompareTo(statistics.Snapshot()).size(), 5);
}

}  // namespace
}  // namespace normd
