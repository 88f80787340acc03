// tanh from correctly rounded operations only, so that every processor gives the same bits.
#ifndef NORMD_CORE_KERNELS_HYPERBOLIC_TANGENT_H_
#define NORMD_CORE_KERNELS_HYPERBOLIC_TANGENT_H_

#include <bit>
#include <cmath>
#include <cstdint>
#include <iterator>

namespace normd::kernels {

// tanh(z) = (e^u - 1) / (e^u + 1) with u = 2 |z|, and e^u - 1 = 2^k (e^r - 1) + (2^k - 1) with
// u = k ln 2 + r, |r| <= ln(2) / 2; e^r - 1 by its Taylor series. From u = 40 on it is 1.
namespace hyperbolic_tangent {

inline constexpr double kLargestU = 40;
inline constexpr double kLog2E = 0x1.71547652b82fep+0;
// ln 2 in two parts, the first so short that its product with k is exact.
inline constexpr double kLn2High = 0x1.62e42fefp-1;
inline constexpr double kLn2Low = 0x1.473de6af278edp-34;
// Adding it leaves an integer below 2^51, rounded to nearest, in the low bits.
inline constexpr double kRound = 0x1.8p+52;
// 1/13!, 1/12!, ..., 1/2!.
inline constexpr double kSeries[] = {
    1 / 6227020800.0, 1 / 479001600.0, 1 / 39916800.0, 1 / 3628800.0, 1 / 362880.0, 1 / 40320.0,
    1 / 5040.0,       1 / 720.0,       1 / 120.0,      1 / 24.0,      1 / 6.0,      1 / 2.0};

}  // namespace hyperbolic_tangent

// Within 3 units in the last place; NaN for NaN.
inline double HyperbolicTangent(double z) {
  using namespace hyperbolic_tangent;  // NOLINT(google-build-using-namespace)
  const double twice = 2 * std::fabs(z);
  const double u = twice > kLargestU ? kLargestU : twice;
  const double shifted = u * kLog2E + kRound;
  const double k = shifted - kRound;
  const double r = (u - k * kLn2High) - k * kLn2Low;
  double series = kSeries[0];
  for (size_t i = 1; i < std::size(kSeries); ++i) series = series * r + kSeries[i];
  const double expm1_of_r = r + r * r * series;
  const double power = std::bit_cast<double>((std::bit_cast<uint64_t>(shifted) + 1023) << 52);
  const double expm1 = power * expm1_of_r + (power - 1);
  return std::copysign(expm1 / (expm1 + 2), z);
}

}  // namespace normd::kernels

#endif  // NORMD_CORE_KERNELS_HYPERBOLIC_TANGENT_H_
