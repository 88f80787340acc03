// Whether a stream's statistics drift, and where they change.
#ifndef NORMD_CORE_COMPARISON_DRIFT_H_
#define NORMD_CORE_COMPARISON_DRIFT_H_

#include <cstdint>
#include <optional>

#include "core/comparison/stop_request.h"
#include "core/comparison/stream_segments.h"

namespace normd {

// See proto/normd/v1/report.proto, message Drift.
struct Drift {
  double symmetric_divergence = 0;
  double mean_shift = 0;
  double mean_shift_floor = 0;
  double symmetric_divergence_floor = 0;
  double excess = 0;
  std::optional<int64_t> change_point;
};

// Absent for fewer than 16 segments, or where no channel has variance. Chance is what 999 shuffles
// of the segments give: that takes channels that go together, and tokens that do within a segment,
// as they are.
// Absent too where a stop is asked for.
std::optional<Drift> DriftOf(const StreamSegments& stream, uint64_t seed, StopRequest& stop);

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_DRIFT_H_
