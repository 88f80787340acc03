// What a comparison finds over a whole stream. See proto/normd/v1/report.proto for every
// definition.
#ifndef NORMD_CORE_COMPARISON_REPORT_H_
#define NORMD_CORE_COMPARISON_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/comparison/cell.h"
#include "core/comparison/channel_shapes.h"
#include "core/comparison/cold_start.h"
#include "core/comparison/drift.h"
#include "core/comparison/group_split.h"
#include "core/comparison/padding_measure.h"
#include "core/comparison/plan.h"
#include "core/comparison/variance_split.h"
#include "core/method/spec.h"

namespace normd {

// name, title, spec and gap_is_exactly_zero are left to StreamComparison's caller.
struct MethodReport {
  std::string name;
  std::string title;
  NormalizationSpec spec;
  bool gap_is_exactly_zero = false;
  std::optional<ColdStartTime> cold_start;
  std::optional<double> padding_gap;
  int64_t state_bytes = 0;
  double nanoseconds_per_token = 0;
};

struct DensityPlot {
  int method = 0;
  int64_t batch_size = 0;
  bool training = false;
  std::vector<double> shares;
};

struct CoBatchPlot {
  int method = 0;
  int64_t batch_size = 0;
  int64_t channel = 0;
  std::vector<double> outputs;
};

struct ChannelSeries {
  int64_t channel = 0;
  std::vector<double> values;
};

struct Plots {
  std::vector<int64_t> segment_ends;
  std::vector<double> discrepancy;
  std::vector<double> discrepancy_floor;
  std::vector<ChannelSeries> channels;
  std::vector<DensityPlot> densities;
  std::vector<CoBatchPlot> co_batches;
};

struct Verdict {
  enum class Kind { kNone, kBatchNormIsFine, kUseLayerNorm, kUseFrozenStatistics, kNotEnoughData };

  Kind kind = Kind::kNone;
  std::string summary;
  std::vector<std::string> reasons;
  std::optional<int64_t> tokens_needed;
  int64_t batch_size = 0;
  std::optional<size_t> method;
  VerdictThresholds thresholds;
};

struct ComparisonReport {
  int64_t tokens = 0;
  int64_t sequences = 0;
  int64_t padded_tokens = 0;
  int64_t non_finite_tokens = 0;
  int64_t sampled_tokens = 0;
  std::vector<CellReport> cells;
  VarianceSplit variance_split;
  std::optional<Grouping> by_sequence;
  std::optional<Grouping> by_position;
  ChannelShapes channels;
  std::optional<Drift> drift;
  std::optional<PaddingEffect> padding;
  std::vector<MethodReport> methods;
  Plots plots;
  Verdict verdict;
  ComparisonPlan plan;
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_REPORT_H_
