#include "core/comparison/discrepancy.h"

#include <cmath>
#include <cstddef>

namespace normd {

std::optional<Discrepancy> DiscrepancyOf(const std::vector<double>& mean_a,
                                         const std::vector<double>& variance_a,
                                         const std::vector<double>& mean_b,
                                         const std::vector<double>& variance_b) {
  Discrepancy result;
  double channels = 0;
  for (size_t c = 0; c < mean_b.size(); ++c) {
    const double deviation = std::sqrt(variance_b[c]);
    if (deviation == 0) continue;
    ++channels;
    result.mean += std::fabs(mean_a[c] - mean_b[c]) / deviation;
    result.deviation += std::fabs(std::sqrt(variance_a[c]) / deviation - 1);
  }
  if (channels == 0) return std::nullopt;
  result.mean /= channels;
  result.deviation /= channels;
  return result;
}

}  // namespace normd
