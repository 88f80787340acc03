// Every noise floor of a report, beside closed forms and limits. See simulated_floors_test.cc.
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "core/comparison/noise_floor.h"
#include "tests/testing/non_finite.h"

namespace normd {
namespace {

using testing::kInfinity;

const double kMeanMagnitude = std::sqrt(2 / std::numbers::pi);

// E (chi2_k)^-1/2.
double InverseChi(double k) {
  return std::exp(std::lgamma((k - 1) / 2) - std::lgamma(k / 2)) / std::numbers::sqrt2;
}

// Batches of n values, the last of which weighs most.
AveragedReference Ema(double momentum, int batches, double n, bool unbiased) {
  AveragedReference reference{
      .weights = {}, .counts = std::vector<double>(batches, n), .unbiased = unbiased};
  const double sum = (1 - std::pow(1 - momentum, batches)) / momentum;
  for (int age = batches - 1; age >= 0; --age) {
    reference.weights.push_back(std::pow(1 - momentum, age) / sum);
  }
  return reference;
}

void ExpectNear(double value, double expected, double tolerance) {
  EXPECT_NEAR(value, expected, tolerance * expected);
}

TEST(DiscrepancyFloorsTest, ClosedFormsOfPooledReferences) {
  for (const double n : {3, 8, 128}) {
    for (const double m : {8, 100, 5000}) {
      SCOPED_TRACE(n);
      const DiscrepancyFloors floors = NoiseFloors(n, PooledReference{m});
      const double distance = std::sqrt(1 / n + 1 / m);
      const double entered = m / (m + n);
      ExpectNear(*floors.renorm_d, kMeanMagnitude * distance * std::sqrt(m) * InverseChi(m - 1),
                 1e-9);
      ExpectNear(*floors.tid_mean_by_batch,
                 kMeanMagnitude * entered * distance * std::sqrt(n) * InverseChi(n - 1), 1e-9);
      // The root of a Beta(1 / 2, (m + n - 2) / 2) variable.
      ExpectNear(*floors.tid_mean_by_running, std::sqrt(m / n) * InverseChi(m + n) * kMeanMagnitude,
                 1e-9);
      ExpectNear(*floors.powernorm_mean, distance, 1e-12);
      ExpectNear(*floors.powernorm_relative, distance * std::sqrt(m / (m - 3)), 1e-9);
      const double bias = 1 / n - 1 / m;
      ExpectNear(*floors.powernorm_variance,
                 std::sqrt(2 * (n - 1) / (n * n) + 2 * (m - 1) / (m * m) + bias * bias), 1e-12);
      EXPECT_EQ(*floors.renorm_r, DeviationNoiseFloor(n, m));
    }
  }
}

TEST(DiscrepancyFloorsTest, ManyValuesAreAsKnownStatistics) {
  for (const double n : {2, 32, 4096}) {
    for (const double m : {1e13, kInfinity}) {
      const DiscrepancyFloors floors = NoiseFloors(n, PooledReference{m});
      const double known = std::sqrt(2 / (std::numbers::pi * n));
      ExpectNear(*floors.renorm_d, known, 1e-8);
      ExpectNear(*floors.tid_mean_by_running, known, 1e-8);
      ExpectNear(*floors.renorm_r, DeviationNoiseFloor(n, kInfinity), 1e-8);
      ExpectNear(*floors.tid_deviation_by_running, *floors.renorm_r, 1e-8);
      ExpectNear(*floors.powernorm_relative, 1 / std::sqrt(n), 1e-8);
      const FinalFloors whole = NoiseFloors(n, WholeReference{m});
      ExpectNear(*whole.mean, known, 1e-8);
      ExpectNear(*whole.deviation, *floors.renorm_r, 1e-8);
    }
  }
}

TEST(DiscrepancyFloorsTest, LargeBatchesAreAsNormalOnes) {
  constexpr double kMany = 1e8;
  const double known = 1 / std::sqrt(std::numbers::pi * kMany);
  const DiscrepancyFloors floors = NoiseFloors(kMany, PooledReference{kInfinity});
  ExpectNear(*floors.renorm_r, known, 1e-6);
  ExpectNear(*floors.tid_deviation_by_batch, known, 1e-6);
  const DiscrepancyFloors pooled = NoiseFloors(kMany, PooledReference{kMany});
  ExpectNear(*pooled.renorm_r, known * std::numbers::sqrt2, 1e-6);
  ExpectNear(*pooled.tid_deviation_by_running, known / std::numbers::sqrt2, 1e-6);
}

// Its variance is one chi-square, where that of weights which differ a little is a sum.
TEST(DiscrepancyFloorsTest, NearlyEqualWeightsAreAsEqualOnes) {
  for (const double n : {2, 3, 32}) {
    AveragedReference reference{
        .weights = std::vector(16, 1.0 / 16), .counts = std::vector(16, n), .unbiased = true};
    const DiscrepancyFloors equal = NoiseFloors(n, reference, 1.0 / 17);
    for (size_t i = 0; i < 16; ++i) reference.weights[i] += i % 2 == 0 ? 1e-6 : -1e-6;
    const DiscrepancyFloors other = NoiseFloors(n, reference, 1.0 / 17);
    ExpectNear(*other.renorm_r, *equal.renorm_r, 1e-7);
    ExpectNear(*other.tid_deviation_by_running, *equal.tid_deviation_by_running, 1e-7);
    ExpectNear(*other.renorm_d, *equal.renorm_d, 1e-7);
    ExpectNear(*other.tid_mean_by_running, *equal.tid_mean_by_running, 1e-7);
    if (n > 2) ExpectNear(*other.tid_deviation_by_batch, *equal.tid_deviation_by_batch, 1e-7);
  }
}

TEST(DiscrepancyFloorsTest, OneBatchIsAsPooledBeforeTheUpdate) {
  const AveragedReference one{.weights = {1}, .counts = {20}, .unbiased = false};
  const DiscrepancyFloors averaged = NoiseFloors(5, one, 0.1);
  const DiscrepancyFloors pooled = NoiseFloors(5, PooledReference{20});
  EXPECT_EQ(averaged.renorm_d, pooled.renorm_d);
  EXPECT_EQ(averaged.renorm_r, pooled.renorm_r);
  EXPECT_EQ(averaged.powernorm_variance, pooled.powernorm_variance);
}

// A batch that takes the statistics' place.
TEST(DiscrepancyFloorsTest, NothingIsLeftOfTheOldStatistics) {
  const DiscrepancyFloors floors = NoiseFloors(8, Ema(0.5, 10, 8, false), 1);
  EXPECT_NEAR(*floors.tid_mean_by_running, 0, 1e-12);
  EXPECT_NEAR(*floors.tid_deviation_by_running, 0, 1e-12);
  EXPECT_NEAR(*floors.tid_deviation_by_batch, 0, 1e-12);
  EXPECT_GT(*floors.renorm_d, 0);
}

// sqrt(1 + a / (2 - a)) of the floor beside known statistics, and 1 - a of that after the update.
TEST(DiscrepancyFloorsTest, AnEmaShiftsTheFloorOfMeans) {
  for (const double n : {128, 4096}) {
    const DiscrepancyFloors floors = NoiseFloors(n, Ema(0.1, 300, n, true), 0.1);
    const double known = MeanNoiseFloor(n, kInfinity);
    EXPECT_NEAR(*floors.powernorm_mean * std::sqrt(n), 1.026, 0.0005);
    EXPECT_NEAR(*floors.renorm_d / known, 1.026, 0.0005);
    EXPECT_NEAR(*floors.tid_mean_by_running / known, 0.924, 0.001);
  }
}

TEST(DiscrepancyFloorsTest, SingleValuesHaveNoDeviation) {
  const DiscrepancyFloors floors = NoiseFloors(1, PooledReference{50});
  EXPECT_TRUE(floors.tid_mean_by_running && floors.renorm_d && floors.powernorm_mean);
  EXPECT_TRUE(floors.powernorm_relative);
  EXPECT_FALSE(floors.tid_mean_by_batch || floors.tid_deviation_by_batch);
  EXPECT_FALSE(floors.tid_deviation_by_running || floors.renorm_r || floors.powernorm_variance);
  EXPECT_FALSE(NoiseFloors(1, WholeReference{50}).deviation);
  const AveragedReference singles{.weights = {0.5, 0.5}, .counts = {1, 1}, .unbiased = false};
  const DiscrepancyFloors none = NoiseFloors(4, singles, 0.1);
  EXPECT_FALSE(none.renorm_d || none.renorm_r || none.powernorm_relative);
  EXPECT_FALSE(none.tid_deviation_by_batch || none.tid_deviation_by_running);
  EXPECT_NEAR(*none.powernorm_mean, std::sqrt(0.75), 1e-12);
}

TEST(DiscrepancyFloorsTest, InfiniteOnesAreAbsent) {
  const DiscrepancyFloors two = NoiseFloors(2, PooledReference{50});
  EXPECT_FALSE(two.tid_mean_by_batch || two.tid_deviation_by_batch);
  EXPECT_TRUE(two.tid_deviation_by_running && two.renorm_r);
  const DiscrepancyFloors three = NoiseFloors(3, PooledReference{50});
  EXPECT_TRUE(three.tid_mean_by_batch && three.tid_deviation_by_batch);
  for (const double m : {1, 2, 3, 4}) {
    const DiscrepancyFloors floors = NoiseFloors(5, PooledReference{m});
    EXPECT_EQ(floors.renorm_d.has_value(), m > 2) << m;
    EXPECT_EQ(floors.renorm_r.has_value(), m > 2) << m;
    EXPECT_EQ(floors.powernorm_relative.has_value(), m > 3) << m;
    EXPECT_TRUE(floors.tid_mean_by_running && floors.tid_deviation_by_running) << m;
  }
}

TEST(DiscrepancyFloorsTest, WholesOfOneBatch) {
  EXPECT_EQ(NoiseFloors(9, WholeReference{9}).mean, 0);
  EXPECT_EQ(NoiseFloors(9, WholeReference{9}).deviation, 0);
  EXPECT_FALSE(NoiseFloors(1, WholeReference{1}).mean);
}

TEST(DiscrepancyFloorsTest, MoreValuesLowerThem) {
  DiscrepancyFloors last = NoiseFloors(3, Ema(0.1, 50, 3, true), 0.1);
  for (const double n : {4, 5, 8, 16, 33, 64, 250, 1000}) {
    const DiscrepancyFloors floors = NoiseFloors(n, Ema(0.1, 50, n, true), 0.1);
    EXPECT_LT(floors.tid_mean_by_batch, last.tid_mean_by_batch);
    EXPECT_LT(floors.tid_deviation_by_batch, last.tid_deviation_by_batch);
    EXPECT_LT(floors.tid_mean_by_running, last.tid_mean_by_running);
    EXPECT_LT(floors.tid_deviation_by_running, last.tid_deviation_by_running);
    EXPECT_LT(floors.renorm_d, last.renorm_d);
    EXPECT_LT(floors.renorm_r, last.renorm_r);
    EXPECT_LT(floors.powernorm_variance, last.powernorm_variance);
    last = floors;
  }
  for (const double m : {8, 16, 64, 500, 1000, 30'000, 1'000'000}) {
    EXPECT_GT(NoiseFloors(8, PooledReference{m}).renorm_r,
              NoiseFloors(8, PooledReference{2 * m}).renorm_r);
    EXPECT_LT(NoiseFloors(8, WholeReference{2 * m}).mean,
              NoiseFloors(8, WholeReference{4 * m}).mean);
  }
}

}  // namespace
}  // namespace normd
