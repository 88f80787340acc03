// What normd promises of an output, by the type of the elements.
#ifndef NORMD_TESTS_CONFORMANCE_REFERENCE_PROMISE_H_
#define NORMD_TESTS_CONFORMANCE_REFERENCE_PROMISE_H_

#include <algorithm>
#include <cmath>

#include "core/tensor/element_type.h"

namespace normd::testing {

// An output as the textbook has it, in wide precision.
struct Expected {
  long double value = 0;      // gamma x_hat + beta
  long double magnitude = 1;  // |gamma x_hat| + |beta|
  long double condition = 0;  // |mean| / deviation of the values that share statistics
  long double unit = 1;       // what a deviation comes out as: 1, or more where none was divided by
};

// Half of the distance between neighbors of `value` in a 16-bit type; 0 for the others.
inline long double HalfUnit(ElementType type, long double value) {
  if (type == ElementType::kFloat32 || type == ElementType::kFloat64) return 0;
  const bool is_half = type == ElementType::kFloat16;
  const int exponent =
      std::max(std::ilogb(std::max(std::fabs(value), 1e-300L)), is_half ? -14 : -126);
  return std::ldexp(0.5L, exponent - (is_half ? 10 : 7));
}

// How far an output of type `type` may be from it.
inline long double Bound(ElementType type, const Expected& expected) {
  const long double tolerance =
      type == ElementType::kFloat64 ? 1e-14L * (1 + expected.condition) : 1e-6L;
  return tolerance * std::max(expected.unit, expected.magnitude) + HalfUnit(type, expected.value);
}

// The error of an output as a share of the allowed one. What no number of the type is as large as
// must be infinite.
inline long double ShareOfBound(ElementType type, double actual, const Expected& expected) {
  static constexpr long double kLargest[] = {0x1.fffffffp127L, 0x1.fffffffffffff8p1023L, 65519.999L,
                                             0x1.fefp127L};
  const bool overflows = std::fabs(expected.value) > kLargest[static_cast<int>(type)];
  if (overflows && std::isinf(actual)) return 0;
  return std::fabs(static_cast<long double>(actual) - expected.value) / Bound(type, expected);
}

}  // namespace normd::testing

#endif  // NORMD_TESTS_CONFORMANCE_REFERENCE_PROMISE_H_
