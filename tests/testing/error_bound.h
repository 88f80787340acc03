// Outputs against references, within the error that normd promises.
#ifndef NORMD_TESTS_TESTING_ERROR_BOUND_H_
#define NORMD_TESTS_TESTING_ERROR_BOUND_H_

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/testing/reference.h"

namespace normd::testing {

// `beta`, of which each value shifts `inner` elements in turn, over and over; empty: none.
struct Shifts {
  std::vector<double> beta;
  int64_t inner = 1;

  double At(int64_t i) const { return beta.empty() ? 0 : beta[i / inner % beta.size()]; }
};

inline void ExpectWithinErrorBound(const std::vector<float>& y,
                                   const std::vector<long double>& expected, const Shifts& shifts) {
  ASSERT_EQ(y.size(), expected.size());
  for (size_t i = 0; i < y.size(); ++i) {
    if (std::fabs(expected[i]) > std::numeric_limits<float>::max()) {
      ASSERT_TRUE(std::isinf(y[i])) << y[i] << " instead of " << expected[i];
      continue;
    }
    const double shift = shifts.At(static_cast<int64_t>(i));
    ASSERT_LE(std::fabs(static_cast<double>(y[i] - expected[i])),
              ErrorBound(expected[i] - shift, shift))
        << "element " << i << ": " << y[i] << " instead of " << expected[i];
  }
}

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_ERROR_BOUND_H_
