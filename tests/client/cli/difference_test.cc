#include "client/cli/difference.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace normd::cli {
namespace {

TEST(DifferenceTest, OfKnownValues) {
  const std::vector<double> expected = {3, 4, 0, 0};
  const std::vector<double> actual = {3, 4, 3, -4};
  const Difference difference = Compare(expected, actual);
  EXPECT_EQ(difference.elements, 4);
  EXPECT_EQ(difference.differing_bits, 2);
  EXPECT_DOUBLE_EQ(difference.rms_expected, 2.5);
  EXPECT_DOUBLE_EQ(difference.rms_actual, std::sqrt(50.0 / 4));
  EXPECT_DOUBLE_EQ(difference.relative_rms, 1);
  EXPECT_EQ(difference.p50, 0);
  EXPECT_EQ(difference.max, 4);
}

TEST(DifferenceTest, BitsTellZerosApartAndNumbersDoNot) {
  const std::vector<double> expected = {0.0, 1};
  const std::vector<double> actual = {-0.0, 1};
  const Difference difference = Compare(expected, actual);
  EXPECT_EQ(difference.differing_bits, 1);
  EXPECT_EQ(difference.relative_rms, 0);
  EXPECT_EQ(difference.max, 0);
}

TEST(DifferenceTest, QuantilesAreOrderStatistics) {
  std::vector<double> expected(101, 0);
  std::vector<double> actual;
  for (int i = 100; i >= 0; --i) actual.push_back(static_cast<double>(i));
  const Difference difference = Compare(expected, actual);
  EXPECT_EQ(difference.p50, 50);
  EXPECT_EQ(difference.p99, 99);
  EXPECT_EQ(difference.max, 100);
  EXPECT_TRUE(std::isinf(difference.relative_rms));  // against zeros
}

TEST(DifferenceTest, OfNothingIsZero) {
  const Difference difference = Compare({}, {});
  EXPECT_EQ(difference.elements, 0);
  EXPECT_EQ(difference.relative_rms, 0);
}

TEST(DifferenceTest, NaNIsNotHidden) {
  const std::vector<double> numbers = {1, 2, 3};
  const std::vector<double> poisoned = {1, std::numeric_limits<double>::quiet_NaN(), 3};
  const Difference difference = Compare(numbers, poisoned);
  EXPECT_EQ(difference.differing_bits, 1);
  EXPECT_TRUE(std::isnan(difference.relative_rms));
  EXPECT_TRUE(std::isnan(difference.max));
}

}  // namespace
}  // namespace normd::cli
