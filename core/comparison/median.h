// The median of values.
#ifndef NORMD_CORE_COMPARISON_MEDIAN_H_
#define NORMD_CORE_COMPARISON_MEDIAN_H_

#include <algorithm>
#include <cstddef>
#include <vector>

namespace normd {

// The mean of the two in the middle, where there are two. `values` must not be empty.
inline double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_MEDIAN_H_
