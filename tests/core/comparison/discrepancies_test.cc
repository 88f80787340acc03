#include "core/comparison/discrepancies.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "tests/testing/random_values.h"
#include "tests/testing/token_values.h"

namespace normd {
namespace {

using testing::MomentsOf;
using testing::TokensOf;

// Of `batches` batches of 4 independent tokens.
Discrepancies After(const Estimator& estimator, int64_t batches) {
  constexpr int64_t kBatch = 4;
  constexpr int64_t kChannels = 2;
  const std::vector<float> values = testing::RandomFloats(kBatch * kChannels * batches);
  RunningDiscrepancies running(estimator, kChannels);
  for (int64_t i = 0; i < batches; ++i) {
    const Tokens batch = TokensOf(values, kChannels).Slice(i * kBatch, kBatch);
    running.Add(batch, MomentsOf(batch));
  }
  Discrepancies result;
  running.Summarize({1, 1}, result);
  return result;
}

// However many batches there were, few are remembered, and what they are worth stays known: against
// the mean of k batches of n the floor is sqrt(2 / pi * (1 / n + 1 / (n k))) * E 1 / s, here over
// all k.
TEST(RunningDiscrepanciesTest, FloorsOfManyAveragedBatchesAreThoseOfAllOfThem) {
  const double pooled = *After(Cumulative(), 4000)[DiscrepancyKind::kPowerNormMean].noise_floor;
  const double averaged =
      *After(CumulativeBatch(), 4000)[DiscrepancyKind::kPowerNormMean].noise_floor;
  EXPECT_NEAR(averaged, pooled, 1e-9 * pooled);
  const double spread = *After(Cumulative(), 4000)[DiscrepancyKind::kRenormR].noise_floor;
  const double averaged_spread =
      *After(CumulativeBatch(), 4000)[DiscrepancyKind::kRenormR].noise_floor;
  EXPECT_NEAR(averaged_spread, spread, 0.05 * spread);
}

TEST(RunningDiscrepanciesTest, AnAverageOfNormalBatchesIsAtItsFloor) {
  const BatchEma slow{.momentum = 0.002, .unbiased = true};
  const auto ratio = After(slow, 4000)[DiscrepancyKind::kRenormD].ratio();
  ASSERT_TRUE(ratio && ratio->low && ratio->high);
  EXPECT_LT(*ratio->low, 1.03);
  EXPECT_GT(*ratio->high, 0.97);
}

TEST(RunningDiscrepanciesTest, NothingIsMeasuredBeforeTheNinthBatch) {
  EXPECT_FALSE(After(Cumulative(), 8)[DiscrepancyKind::kRenormD].measured.has_value());
  EXPECT_TRUE(After(Cumulative(), 9)[DiscrepancyKind::kRenormD].measured.has_value());
}

}  // namespace
}  // namespace normd
