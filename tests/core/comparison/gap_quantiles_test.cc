#include "core/comparison/gap_quantiles.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/testing/random_values.h"

namespace normd {
namespace {

TEST(GapQuantilesTest, AreWithinHalfAPercentAtEveryMagnitude) {
  for (const double exponent : testing::RandomDoubles(500, -39.9, 23.9)) {
    const double value = std::exp2(exponent);
    GapQuantiles quantiles;
    quantiles.Add(value);
    quantiles.Add(value);
    quantiles.Add(0x1p24);
    EXPECT_NEAR(quantiles.Quantile(0.5), value, 0.005 * value);
  }
}

TEST(GapQuantilesTest, AreTheSmallestThatAShareDoesNotExceed) {
  GapQuantiles quantiles;
  for (int i = 1000; i > 0; --i) quantiles.Add(i);
  EXPECT_EQ(quantiles.count(), 1000);
  for (const double share : {0.1, 0.5, 0.9, 0.99, 1.0}) {
    EXPECT_NEAR(quantiles.Quantile(share), 1000 * share, 5 * share + 1e-9);
  }
}

TEST(GapQuantilesTest, ZerosAreExact) {
  GapQuantiles quantiles;
  EXPECT_EQ(quantiles.Quantile(0.5), 0);
  for (const double value : {0.0, 0.0, 0x1p-41, 1.0}) quantiles.Add(value);
  EXPECT_EQ(quantiles.Quantile(0.5), 0);
  EXPECT_EQ(quantiles.Quantile(0.75), 0);
  EXPECT_NEAR(quantiles.Quantile(0.76), 1, 0.005);
}

TEST(GapQuantilesTest, TheLargestIsExact) {
  GapQuantiles quantiles;
  EXPECT_EQ(quantiles.largest(), 0);
  for (const double value : {0.25, 0.1234567, 0.01}) quantiles.Add(value);
  EXPECT_EQ(quantiles.largest(), 0.25);
  EXPECT_LE(quantiles.Quantile(1), 0.25);
}

TEST(GapQuantilesTest, WhatIsTooLargeCountsAsTheLargestBin) {
  GapQuantiles quantiles;
  quantiles.Add(1e30);
  EXPECT_EQ(quantiles.largest(), 1e30);
  EXPECT_NEAR(quantiles.Quantile(0.5), 0x1p24, 0.005 * 0x1p24);
}

}  // namespace
}  // namespace normd
