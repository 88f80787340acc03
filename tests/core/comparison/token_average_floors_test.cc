// Noise floors beside exponentially weighted tokens. See simulated_floors_test.cc too.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/comparison/noise_floor.h"
#include "core/comparison/token_weights.h"

namespace normd {
namespace {

void ExpectNear(double value, double expected, double tolerance) {
  EXPECT_NEAR(value, expected, tolerance * std::fabs(expected));
}

TEST(TokenWeightsTest, GroupsHaveTheSumsOfAllTokens) {
  for (const double alpha : {0.7, 0.3, 0.1, 0.001}) {
    for (const int64_t count : {int64_t{1}, int64_t{5}, int64_t{300}, int64_t{100'000}}) {
      for (const int64_t newest : {int64_t{0}, int64_t{40}}) {
        const auto groups = ExponentialWeights(alpha, static_cast<double>(newest),
                                               static_cast<double>(newest + count));
        const auto function = [&](double weight) { return std::log1p(50 * weight); };
        double sum = 0;
        double tokens = 0;
        for (const TokenGroup& group : groups) {
          sum += group.count * function(group.weight);
          tokens += group.count;
        }
        double expected = 0;
        for (int64_t age = newest; age < newest + count; ++age) {
          expected += function(alpha * std::pow(1 - alpha, static_cast<double>(age)));
        }
        ExpectNear(sum, expected, 1e-7);
        ExpectNear(tokens, static_cast<double>(count), 1e-12);
        EXPECT_LT(groups.size(), 150);
      }
    }
  }
}

// The variance of a variance: 2 (sum w^2 - 2 sum w^3 + (sum w^2)^2).
TEST(TokenWeightsTest, TheLawHasTheMomentsOfAWeightedVariance) {
  for (const double alpha : {0.5, 0.1, 0.001}) {
    auto groups = ExponentialWeights(alpha, 0, 10'000);
    DivideWeights(SumOfWeights(groups), groups);
    double squares = 0;
    double cubes = 0;
    for (const auto& [weight, count, variance] : groups) {
      squares += count * weight * weight;
      cubes += count * weight * weight * weight;
    }
    const VarianceLaw law = WeightedVarianceLaw(groups);
    ExpectNear(law.mean(), 1 - squares, 1e-8);
    ExpectNear(law.variance(), 2 * (squares - 2 * cubes + squares * squares), 1e-8);
    ExpectNear(law.degrees(), 9'999, 1e-9);
  }
}

TEST(TokenAverageFloorsTest, NearlyEqualWeightsAreAsPooledOnes) {
  for (const double n : {1, 2, 3, 32}) {
    for (const double m : {10, 1000}) {
      const DiscrepancyFloors floors = NoiseFloors(n, TokenAveragedReference{1e-9, m});
      const DiscrepancyFloors pooled = NoiseFloors(n, PooledReference{m});
      const auto expect_same = [&](std::optional<double> floor, std::optional<double> other) {
        ASSERT_EQ(floor.has_value(), other.has_value()) << n;
        if (floor) ExpectNear(*floor, *other, 1e-6);
      };
      expect_same(floors.tid_mean_by_batch, pooled.tid_mean_by_batch);
      expect_same(floors.tid_deviation_by_batch, pooled.tid_deviation_by_batch);
      expect_same(floors.tid_mean_by_running, pooled.tid_mean_by_running);
      expect_same(floors.tid_deviation_by_running, pooled.tid_deviation_by_running);
      expect_same(floors.renorm_d, pooled.renorm_d);
      expect_same(floors.renorm_r, pooled.renorm_r);
      expect_same(floors.powernorm_mean, pooled.powernorm_mean);
      expect_same(floors.powernorm_variance, pooled.powernorm_variance);
      expect_same(floors.powernorm_relative, pooled.powernorm_relative);
    }
  }
}

TEST(TokenAverageFloorsTest, WhatIsNotKnownIsAbsent) {
  const DiscrepancyFloors known = NoiseFloors(50, TokenAveragedReference{0.01, 1000});
  EXPECT_TRUE(known.tid_deviation_by_batch && known.tid_deviation_by_running);
  const DiscrepancyFloors unknown = NoiseFloors(51, TokenAveragedReference{0.01, 1000});
  EXPECT_FALSE(unknown.tid_deviation_by_batch || unknown.tid_deviation_by_running);
  EXPECT_TRUE(unknown.tid_mean_by_batch && unknown.tid_mean_by_running && unknown.renorm_r);
}

// Statistics of one token have no deviation.
TEST(TokenAverageFloorsTest, TheLastTokenAlone) {
  const DiscrepancyFloors floors = NoiseFloors(8, TokenAveragedReference{1, 1000});
  ExpectNear(*floors.powernorm_mean, std::sqrt(1 + 1.0 / 8), 1e-12);
  EXPECT_TRUE(floors.powernorm_variance && floors.tid_mean_by_batch);
  EXPECT_FALSE(floors.renorm_d || floors.renorm_r || floors.powernorm_relative);
  EXPECT_FALSE(floors.tid_mean_by_running);
}

}  // namespace
}  // namespace normd
