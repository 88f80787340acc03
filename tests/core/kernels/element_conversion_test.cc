// Elements to and from float64: exact one way, rounded to nearest even once the other way.
#include "core/kernels/element_conversion.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "tests/testing/non_finite.h"

namespace normd::kernels {
namespace {

using testing::kInfinity;

// A 16-bit type's numbers from its definition: sign, exponent, fraction.
template <typename T>
double Decode(uint16_t bits) {
  constexpr bool kIsHalf = std::is_same_v<T, Float16>;
  constexpr int kFraction = kIsHalf ? 10 : 7;
  constexpr int kBias = kIsHalf ? 15 : 127;
  constexpr int kLargest = kIsHalf ? 31 : 255;
  const int exponent = (bits & 0x7FFF) >> kFraction;
  const int fraction = bits & ((1 << kFraction) - 1);
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == kLargest) {
    return fraction == 0 ? sign * kInfinity : std::numeric_limits<double>::quiet_NaN();
  }
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - kBias - kFraction);
  return sign * std::ldexp((1 << kFraction) + fraction, exponent - kBias - kFraction);
}

template <typename T>
class HalfPrecision : public ::testing::Test {};
using HalfTypes = ::testing::Types<Float16, BFloat16>;
TYPED_TEST_SUITE(HalfPrecision, HalfTypes);

TYPED_TEST(HalfPrecision, EveryNumberIsWhatItsBitsSayAndComesBack) {
  for (int i = 0; i < 0x10000; ++i) {
    const auto bits = static_cast<uint16_t>(i);
    const double expected = Decode<TypeParam>(bits);
    const double value = ToDouble(TypeParam{bits});
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(value)) << bits;
      ASSERT_TRUE(std::isnan(ToDouble(FromDouble<TypeParam>(value)))) << bits;
    } else {
      ASSERT_EQ(std::bit_cast<uint64_t>(value), std::bit_cast<uint64_t>(expected)) << bits;
      ASSERT_EQ(FromDouble<TypeParam>(value).bits, bits);
    }
  }
}

// Between two neighbors: the nearer one, and at the middle the even one.
TYPED_TEST(HalfPrecision, RoundsToNearestEvenOnce) {
  for (int i = 0; i < 0x7FFF; ++i) {
    const auto low = static_cast<uint16_t>(i);
    const auto high = static_cast<uint16_t>(i + 1);
    const double a = Decode<TypeParam>(low);
    double b = Decode<TypeParam>(high);
    if (!std::isfinite(a)) break;
    if (std::isinf(b)) b = 2 * a - Decode<TypeParam>(static_cast<uint16_t>(low - 1));
    const double middle = (a + b) / 2;  // exact
    const uint16_t even = low % 2 == 0 ? low : high;
    const auto round = [](double value) { return FromDouble<TypeParam>(value).bits; };
    ASSERT_EQ(round(middle), even) << i;
    // By far less than what float32 could hold: rounding twice would go wrong.
    ASSERT_EQ(round(std::nextafter(middle, 0.0)), low) << i;
    ASSERT_EQ(round(std::nextafter(middle, kInfinity)), high) << i;
    ASSERT_EQ(round(-middle), even | 0x8000) << i;
  }
}

TYPED_TEST(HalfPrecision, OverflowsToInfinityAndUnderflowsToZeroWithItsSign) {
  for (double large : {1e39, 1e300, kInfinity}) {
    EXPECT_EQ(ToDouble(FromDouble<TypeParam>(large)), kInfinity);
    EXPECT_EQ(ToDouble(FromDouble<TypeParam>(-large)), -kInfinity);
  }
  for (double small : {0.0, 1e-50, 1e-310, 5e-324}) {
    EXPECT_EQ(FromDouble<TypeParam>(small).bits, 0);
    EXPECT_EQ(FromDouble<TypeParam>(-small).bits, 0x8000);
  }
}

TEST(CanonicalNan, IsTheQuietOneOfEachType) {
  EXPECT_EQ(FromDouble<Float16>(kCanonicalNan).bits, 0x7E00);
  EXPECT_EQ(FromDouble<BFloat16>(kCanonicalNan).bits, 0x7FC0);
  EXPECT_EQ(std::bit_cast<uint32_t>(FromDouble<float>(kCanonicalNan)), 0x7FC00000);
  EXPECT_EQ(std::bit_cast<uint64_t>(FromDouble<double>(kCanonicalNan)), 0x7FF8000000000000);
}

TEST(SingleAndDouble, ComeBack) {
  std::mt19937_64 generator(1);
  for (int i = 0; i < 100'000; ++i) {
    const auto single = std::bit_cast<float>(static_cast<uint32_t>(generator()));
    if (!std::isnan(single)) {
      ASSERT_EQ(FromDouble<float>(ToDouble(single)), single);
    }
    const auto value = std::bit_cast<double>(generator());
    if (!std::isnan(value)) {
      ASSERT_EQ(FromDouble<double>(ToDouble(value)), value);
    }
  }
}

}  // namespace
}  // namespace normd::kernels
