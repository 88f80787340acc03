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

// A number's upper 26 bits, whose products with such ones are exact.
inline constexpr uint64_t kUpperHalf = ~((uint64_t{1} << 27) - 1);
inline double UpperHalf(double value) {
  return std::bit_cast<double>(std::bit_cast<uint64_t>(value) & kUpperHalf);
}

}  // namespace hyperbolic_tangent

// Within 1 unit in the last place; NaN for NaN. e^r - 1, e^u - 1 and the divisor are each in two
// parts, the second what the first was rounded by, and so the quotient is corrected by what it
// lacks (Dekker 1971).
inline double HyperbolicTangent(double z) {
  using namespace hyperbolic_tangent;  // NOLINT(google-build-using-namespace)
  const double twice = 2 * std::fabs(z);
  const double u = twice > kLargestU ? kLargestU : twice;
  const double shifted = u * kLog2E + kRound;
  const double k = shifted - kRound;
  const double reduced = u - k * kLn2High;
  const double ln2_rest = k * kLn2Low;
  const double r = reduced - ln2_rest;
  const double r_low = (reduced - r) - ln2_rest;
  double series = kSeries[0];
  for (size_t i = 1; i < std::size(kSeries); ++i) series = series * r + kSeries[i];
  const double tail = r * r * series + (r_low + r_low * r);
  const double part = r + tail;  // e^r - 1
  const double part_low = (r - part) + tail;
  const double power = std::bit_cast<double>((std::bit_cast<uint64_t>(shifted) + 1023) << 52);
  const double scaled = power * part;
  const double rest = power - 1;
  const double above = rest + scaled;  // e^u - 1
  const double above_low = ((rest - above) + scaled) + power * part_low;
  const double divisor = above + 2;
  const double added = divisor - above;
  const double divisor_low = ((above - (divisor - added)) + (2 - added)) + above_low;
  const double quotient = above / divisor;
  const double q = UpperHalf(quotient);
  const double d = UpperHalf(divisor);
  const double q_low = quotient - q;
  const double d_low = divisor - d;
  const double lacks = (((above - q * d) - q * d_low) - q_low * d) - q_low * d_low;
  const double correction = ((lacks + above_low) - quotient * divisor_low) / divisor;
  return std::copysign(quotient + correction, z);
}

}  // namespace normd::kernels

#endif  // NORMD_CORE_KERNELS_HYPERBOLIC_TANGENT_H_
