#include "core/kernels/hyperbolic_tangent.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace normd::kernels {
namespace {

TEST(HyperbolicTangentTest, IsWithinThreeUnitsInTheLastPlace) {
  std::mt19937_64 generator(1);
  std::uniform_real_distribution<double> exponent(-60, 6);
  for (int i = 0; i < 200'000; ++i) {
    const double z = std::exp2(exponent(generator));
    const long double expected = std::tanh(static_cast<long double>(z));
    const auto rounded = static_cast<double>(expected);
    const long double unit = std::nextafter(rounded, 2.0) - rounded;
    ASSERT_LE(std::fabs(HyperbolicTangent(z) - expected), 3 * unit) << z;
  }
}

TEST(HyperbolicTangentTest, IsOddAndBounded) {
  for (double z = 0; z < 50; z += 0.037) {
    EXPECT_EQ(HyperbolicTangent(-z), -HyperbolicTangent(z));
    EXPECT_LE(HyperbolicTangent(z), 1);
  }
}

TEST(HyperbolicTangentTest, TakesEveryValue) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (double large : {20.0, 1e10, 1e308, kInfinity}) EXPECT_EQ(HyperbolicTangent(large), 1);
  for (double small : {5e-324, 1e-310, 1e-200}) EXPECT_EQ(HyperbolicTangent(small), small);
  EXPECT_EQ(std::bit_cast<uint64_t>(HyperbolicTangent(-0.0)), std::bit_cast<uint64_t>(-0.0));
  EXPECT_TRUE(std::isnan(HyperbolicTangent(std::numeric_limits<double>::quiet_NaN())));
}

}  // namespace
}  // namespace normd::kernels
