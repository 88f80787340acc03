#include "core/kernels/hyperbolic_tangent.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include "tests/testing/non_finite.h"

namespace normd::kernels {
namespace {

using testing::kInfinity;

// Calls `body` with positive values of every magnitude between 2^low and 2^high.
template <class Body>
void ForRandomValues(double low, double high, const Body& body) {
  std::mt19937_64 generator(1);
  std::uniform_real_distribution<double> exponent(low, high);
  for (int i = 0; i < 200'000; ++i) body(std::exp2(exponent(generator)));
}

void ExpectWithinOneUnit(double z) {
  const long double expected = std::tanh(static_cast<long double>(z));
  const auto rounded = static_cast<double>(expected);
  const long double unit = static_cast<long double>(rounded) - std::nextafter(rounded, 0.0);
  ASSERT_LE(std::fabs(HyperbolicTangent(z) - expected), unit) << z;
}

TEST(HyperbolicTangent, IsWithinOneUnitInTheLastPlace) {
  ForRandomValues(-60, 6, ExpectWithinOneUnit);
  ForRandomValues(-1074, 1023, ExpectWithinOneUnit);
}

// About the points where k, the whole number of ln 2 within 2 z, steps.
TEST(HyperbolicTangent, IsWithinOneUnitWhereItsReductionSteps) {
  for (int k = 0; k < 60; ++k) {
    double z = (k + 0.5) * 0.34657359027997264;
    for (int i = 0; i < 100; ++i) z = std::nextafter(z, 0.0);
    for (int i = 0; i < 200; ++i, z = std::nextafter(z, kInfinity)) ExpectWithinOneUnit(z);
  }
}

TEST(HyperbolicTangent, IsOddAndBounded) {
  ForRandomValues(-1074, 1023, [](double z) {
    ASSERT_EQ(HyperbolicTangent(-z), -HyperbolicTangent(z)) << z;
    ASSERT_LE(HyperbolicTangent(z), 1) << z;
    ASSERT_GE(HyperbolicTangent(z), 0) << z;
  });
  ForRandomValues(3, 6, [](double z) { ASSERT_LE(HyperbolicTangent(z), 1) << z; });
}

TEST(HyperbolicTangent, TakesEveryValue) {
  for (double large : {20.0, 1e10, 1e308, kInfinity}) {
    EXPECT_EQ(HyperbolicTangent(large), 1);
    EXPECT_EQ(HyperbolicTangent(-large), -1);
  }
  for (double small : {5e-324, 1e-310, 1e-200, -5e-324}) EXPECT_EQ(HyperbolicTangent(small), small);
  for (double zero : {0.0, -0.0}) {
    EXPECT_EQ(std::bit_cast<uint64_t>(HyperbolicTangent(zero)), std::bit_cast<uint64_t>(zero));
  }
  EXPECT_TRUE(std::isnan(HyperbolicTangent(std::numeric_limits<double>::quiet_NaN())));
}

}  // namespace
}  // namespace normd::kernels
