// The values that are not finite, as doubles.
#ifndef NORMD_TESTS_TESTING_NON_FINITE_H_
#define NORMD_TESTS_TESTING_NON_FINITE_H_

#include <limits>

namespace normd::testing {

inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_NON_FINITE_H_
