// The small number that keeps a division finite, and where it stands.
#ifndef NORMD_CORE_KERNELS_EPSILON_H_
#define NORMD_CORE_KERNELS_EPSILON_H_

#include <algorithm>
#include <cmath>

namespace normd {

enum class EpsilonPlacement { kInsideRoot, kOutsideRoot, kClampVariance, kClampDeviation };

struct Epsilon {
  double value = 0;
  EpsilonPlacement placement = EpsilonPlacement::kInsideRoot;
};

// A deviation below it counts as 0: no variance above 0 has such a root (the smallest is 2^-537),
// so that it is an epsilon alone, whose inverse could overflow, here or times gamma.
inline constexpr double kSmallestDeviation = 0x1p-600;

// 1 / deviation, where deviation is sqrt(v + e), sqrt(v) + e, sqrt(max(v, e)) or max(sqrt(v), e)
// for variance v. 0 where the deviation is 0, so that 0/0 becomes 0 before the affine part.
inline double InverseDeviation(double variance, const Epsilon& epsilon) {
  double deviation = 0;
  switch (epsilon.placement) {
    case EpsilonPlacement::kInsideRoot:
      deviation = std::sqrt(variance + epsilon.value);
      break;
    case EpsilonPlacement::kOutsideRoot:
      deviation = std::sqrt(variance) + epsilon.value;
      break;
    case EpsilonPlacement::kClampVariance:
      deviation = std::sqrt(std::max(variance, epsilon.value));
      break;
    case EpsilonPlacement::kClampDeviation:
      deviation = std::max(std::sqrt(variance), epsilon.value);
      break;
  }
  return deviation < kSmallestDeviation ? 0 : 1 / deviation;
}

// 1 / (maximum - minimum). 0 where they are equal, or so close that the inverse could overflow.
inline double InverseRange(double minimum, double maximum) {
  const double range = maximum - minimum;
  return range < kSmallestDeviation ? 0 : 1 / range;
}

}  // namespace normd

#endif  // NORMD_CORE_KERNELS_EPSILON_H_
