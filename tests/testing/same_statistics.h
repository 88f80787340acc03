// Whether two snapshots of running statistics are the same, bit for bit.
#ifndef NORMD_TESTS_TESTING_SAME_STATISTICS_H_
#define NORMD_TESTS_TESTING_SAME_STATISTICS_H_

#include "core/statistics/running_statistics.h"
#include "tests/testing/same_bits.h"

namespace normd::testing {

inline bool SameStatistics(const StatisticsSnapshot& a, const StatisticsSnapshot& b) {
  return a.count == b.count && a.batches == b.batches && SameBits(a.mean, b.mean) &&
         SameBits(a.variance, b.variance);
}

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_SAME_STATISTICS_H_
