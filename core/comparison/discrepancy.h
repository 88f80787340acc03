// How far the statistics of channels are from others.
#ifndef NORMD_CORE_COMPARISON_DISCREPANCY_H_
#define NORMD_CORE_COMPARISON_DISCREPANCY_H_

#include <optional>
#include <vector>

namespace normd {

// Means over channels. `mean` and `deviation - 1` are what Batch Renormalization (Ioffe 2017,
// arXiv:1702.03275) calls d and r - 1.
struct Discrepancy {
  double mean = 0;       // |mean_a - mean_b| / deviation_b
  double deviation = 0;  // |deviation_a / deviation_b - 1|
};

// Of statistics a from b; all have one value per channel. Channels where deviation_b is 0 are left
// out; absent where no channel is left.
std::optional<Discrepancy> DiscrepancyOf(const std::vector<double>& mean_a,
                                         const std::vector<double>& variance_a,
                                         const std::vector<double>& mean_b,
                                         const std::vector<double>& variance_b);

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_DISCREPANCY_H_
