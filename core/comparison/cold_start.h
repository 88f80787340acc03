// How fast running statistics come near to those of the whole stream.
#ifndef NORMD_CORE_COMPARISON_COLD_START_H_
#define NORMD_CORE_COMPARISON_COLD_START_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "core/statistics/running_statistics.h"

namespace normd {

// Running statistics early in a stream, beside the final ones.
struct ColdStart {
  double values = 0;                 // per channel that had entered
  double mean_discrepancy = 0;       // see Discrepancy
  double mean_noise_floor = 0;       // PrefixMeanNoiseFloor of `values` and all
  double deviation_discrepancy = 0;  // see Discrepancy
};

// See proto/normd/v1/report.proto.
struct ColdStartTime {
  std::optional<int64_t> tokens;  // none: never
};

// Keeps snapshots at the first update at or after 1, 2, 4, 8, ... values per channel.
//
// n values take log2(n) + 1 snapshots of 16 bytes a channel, and all of them together at most 4
// MiB: up to 4,900 channels that is no limit for any n; of more, the later ones are left out.
class ColdStartSnapshots {
 public:
  // After each update of statistics of mean and variance.
  void Observe(const RunningStatistics& statistics);

  // Those taken, beside the `last` statistics. Empty where no channel has a deviation at last.
  std::vector<ColdStart> CompareTo(const StatisticsSnapshot& last) const;

 private:
  double next_ = 1;
  std::vector<StatisticsSnapshot> snapshots_;
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_COLD_START_H_
