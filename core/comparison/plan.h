// What a comparison measures beyond each chunk. See proto/normd/v1/plan.proto.
#ifndef NORMD_CORE_COMPARISON_PLAN_H_
#define NORMD_CORE_COMPARISON_PLAN_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "core/comparison/batch_order.h"

namespace normd {

struct VerdictThresholds {
  double largest_gap = 0.25;
  double largest_ratio = 1.5;
  double largest_drift = 0.25;
  double widest_interval = 0.5;
};

struct ComparisonPlan {
  static constexpr int64_t kLargestBatch = 1 << 16;
  static constexpr size_t kMostBatchSizes = 16;
  static constexpr int64_t kLargestSampleBytes = 1 << 30;
  // Of sizes, orders (arrival twice: with padding too) and methods: the default sizes and one in
  // use, in all orders, of the 16 methods that a stream may have.
  static constexpr int64_t kMostCells = 9 * 5 * 16;

  // More are not compared in batches of 4096 unless that is asked for: one of float32 has 32 MiB.
  static constexpr int64_t kMostChannelsOfLargeBatch = 2048;

  std::vector<int64_t> batch_sizes;  // 0: as they come
  std::vector<BatchOrder> orders;
  uint64_t seed = 0;
  int64_t sample_bytes = 32 << 20;
  std::optional<int64_t> batch_size_in_use;
  uint64_t first_pass_chunks = 0;
  VerdictThresholds thresholds;
};

// Of a plan for so many methods and channels, writes out the defaults of what is empty, and has the
// batch size in use among the sizes. INVALID_ARGUMENT (field "batch_sizes", "orders",
// "sample_bytes", "batch_size_in_use", "thresholds.largest_gap", ...) where a value is out of its
// range or there twice, or the plan has too many cells.
absl::Status Complete(ComparisonPlan& plan, int64_t methods, int64_t channels);

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_PLAN_H_
