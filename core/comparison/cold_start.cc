#include "core/comparison/cold_start.h"

#include <cmath>
#include <optional>

#include "core/comparison/discrepancy.h"
#include "core/comparison/noise_floor.h"

namespace normd {
namespace {

constexpr int64_t kMaxBytes = int64_t{4} << 20;

}  // namespace

void ColdStartSnapshots::Observe(const RunningStatistics& statistics) {
  if (statistics.count() < next_) return;
  while (next_ <= statistics.count()) next_ *= 2;
  const auto taken = static_cast<int64_t>(snapshots_.size()) + 1;
  const int64_t bytes = 2 * static_cast<int64_t>(sizeof(double)) * statistics.channels();
  if (bytes <= kMaxBytes / taken) snapshots_.push_back(statistics.Snapshot());
}

std::vector<ColdStart> ColdStartSnapshots::CompareTo(const StatisticsSnapshot& last) const {
  std::vector<ColdStart> result;
  for (const StatisticsSnapshot& then : snapshots_) {
    const std::optional<Discrepancy> discrepancy =
        DiscrepancyOf(then.mean, then.variance, last.mean, last.variance);
    if (!discrepancy) break;
    result.push_back({.values = then.count,
                      .mean_discrepancy = discrepancy->mean,
                      .mean_noise_floor = PrefixMeanNoiseFloor(then.count, last.count),
                      .deviation_discrepancy = discrepancy->deviation});
  }
  return result;
}

}  // namespace normd
