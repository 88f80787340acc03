#include "core/comparison/output_gap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/kernels/element_conversion.h"
#include "tests/testing/random_values.h"

namespace normd {
namespace {

constexpr int kRows = 50;
constexpr int kSize = 33;

template <typename T>
class OutputGapTest : public ::testing::Test {
 protected:
  static std::vector<T> Values(int seed) {
    std::vector<T> values;
    for (const double value : testing::RandomDoubles(kRows * kSize, -2, 3, seed)) {
      values.push_back(kernels::FromDouble<T>(value));
    }
    return values;
  }
};

using Types = ::testing::Types<float, double, Float16, BFloat16>;
TYPED_TEST_SUITE(OutputGapTest, Types);

TYPED_TEST(OutputGapTest, IsRelativeToTheReference) {
  const auto output = this->Values(1);
  const auto reference = this->Values(2);
  OutputGap gap;
  long double difference_squares = 0;
  long double squares = 0;
  long double largest = 0;
  for (int i = 0; i < kRows; ++i) {
    gap.AddRow(output.data() + i * kSize, reference.data() + i * kSize, kSize);
  }
  for (size_t i = 0; i < output.size(); ++i) {
    const long double value = kernels::ToDouble(reference[i]);
    const long double difference = kernels::ToDouble(output[i]) - value;
    difference_squares += difference * difference;
    squares += value * value;
    largest = std::max(largest, std::fabs(difference));
  }
  EXPECT_NEAR(*gap.relative(), static_cast<double>(std::sqrt(difference_squares / squares)), 1e-13);
  EXPECT_EQ(*gap.largest(), static_cast<double>(largest));
}

TYPED_TEST(OutputGapTest, TheSameIsExactlyZero) {
  const auto output = this->Values(1);
  OutputGap gap;
  gap.AddRow(output.data(), output.data(), kRows * kSize);
  EXPECT_EQ(gap.relative(), 0);
  EXPECT_EQ(gap.largest(), 0);
}

TEST(OutputGapRowsTest, LeavesOutRowsWithNanOrInfinity) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  OutputGap gap;
  for (const float odd : {nan, infinity, -infinity}) {
    const std::vector<float> bad = {1, odd};
    const std::vector<float> good = {7, 8};
    gap.AddRow(bad.data(), good.data(), 2);
    gap.AddRow(good.data(), bad.data(), 2);
    gap.AddRow(bad.data(), bad.data(), 2);
  }
  EXPECT_FALSE(gap.relative().has_value());
  EXPECT_FALSE(gap.largest().has_value());
  const std::vector<float> output = {3, 1};
  const std::vector<float> reference = {3, 4};
  gap.AddRow(output.data(), reference.data(), 2);
  EXPECT_EQ(gap.relative(), 0.6);
  EXPECT_EQ(gap.largest(), 3);
}

TEST(OutputGapRowsTest, NothingToCompareToIsAbsentUnlessNothingDiffers) {
  const std::vector<float> zeros = {0, 0};
  const std::vector<float> ones = {1, 1};
  OutputGap gap;
  gap.AddRow(zeros.data(), zeros.data(), 2);
  EXPECT_EQ(gap.relative(), 0);
  gap.AddRow(ones.data(), zeros.data(), 2);
  EXPECT_FALSE(gap.relative().has_value());
  EXPECT_EQ(gap.largest(), 1);
}

}  // namespace
}  // namespace normd
