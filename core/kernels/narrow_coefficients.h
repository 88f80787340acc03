// Coefficients of float64 for arithmetic in float32.
#ifndef NORMD_CORE_KERNELS_NARROW_COEFFICIENTS_H_
#define NORMD_CORE_KERNELS_NARROW_COEFFICIENTS_H_

#include <cmath>
#include <cstdint>

namespace normd::kernels {

// y = ((x - high) - low) * scale. The mean is in two parts: where it is large beside the deviation,
// x - high is exact (Sterbenz's lemma), and nothing is lost but what x itself has lost.
struct NarrowCoefficients {
  float high = 0;
  float low = 0;
  float scale = 1;

  NarrowCoefficients(double mean, double scale)
      : high(static_cast<float>(mean)),
        low(static_cast<float>(mean - static_cast<double>(high))),
        scale(static_cast<float>(scale)) {}

  float Apply(float x) const { return ((x - high) - low) * scale; }

  // Whether float32 has the range: x - high does not overflow for any x, nor the product for
  // deviations, and what is lost below its smallest number is nothing beside them. NaN has no
  // range.
  static constexpr double kLargest = 0x1p100;
  static constexpr double kSmallest = 0x1p-100;
  static bool Fit(double mean, double scale, double shift = 0) {
    const double magnitude = std::fabs(scale);
    return !(std::fabs(mean) > kLargest || magnitude > kLargest || std::fabs(shift) > kLargest ||
             (magnitude < kSmallest && magnitude > 0));
  }
};

// Those of many channels, and their shifts: where each array begins.
template <typename F>
struct NarrowChannelArrays {
  F* high;
  F* low;
  F* scale;
  F* shift;

  NarrowChannelArrays(F* begin, int64_t channels)
      : high(begin),
        low(begin + channels),
        scale(begin + 2 * channels),
        shift(begin + 3 * channels) {}
};

}  // namespace normd::kernels

#endif  // NORMD_CORE_KERNELS_NARROW_COEFFICIENTS_H_
