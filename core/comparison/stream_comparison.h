// Several methods over one stream of tokens: all that a report holds.
#ifndef NORMD_CORE_COMPARISON_STREAM_COMPARISON_H_
#define NORMD_CORE_COMPARISON_STREAM_COMPARISON_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/comparison/arrival_cells.h"
#include "core/comparison/compared_method.h"
#include "core/comparison/padded_stream.h"
#include "core/comparison/padding_measure.h"
#include "core/comparison/plan.h"
#include "core/comparison/report.h"
#include "core/comparison/row_tokens.h"
#include "core/comparison/stop_request.h"
#include "core/comparison/stream_segments.h"
#include "core/comparison/token_sample.h"
#include "core/comparison/variance_split.h"

namespace normd {

// What takes one pass is measured on all tokens as they come, in memory that does not grow. What
// needs the final statistics, or another order, is measured on a sample at the end, or on a second
// pass. Not thread-safe.
class StreamComparison {
 public:
  // A clock's nanoseconds.
  using Clock = int64_t (*)();

  // `methods` are those of the rows that tokens come in. INVALID_ARGUMENT (field
  // "plan.batch_sizes", "specs", ...) where the plan's values are out of range, or methods do not
  // share their channels.
  static absl::StatusOr<std::unique_ptr<StreamComparison>> Create(
      ComparisonPlan plan, absl::Span<const Normalizer> methods,
      absl::Span<const int64_t> row_shape, Clock clock);

  const ComparisonPlan& plan() const { return plan_; }

  // A chunk: its tokens without padding and, where there is any, all of them.
  void Add(const ChunkTokens& valid, const ChunkTokens* with_padding);

  // The same chunks come again.
  void AddAgain(const ChunkTokens& valid, const ChunkTokens* with_padding);

  // Once, at the end. gap_is_exactly_zero is left to the caller. It may take long: `is_abandoned`
  // is asked again and again, before every 256 tokens of each cell and before what takes as long as
  // those, and there is no report once it says that nobody waits for one.
  std::optional<ComparisonReport> Finish(absl::FunctionRef<bool()> is_abandoned);

 private:
  void EndFirstPass(StopRequest& stop);

  StreamComparison(ComparisonPlan plan, std::vector<ComparedMethod> methods, int64_t channels,
                   Clock clock);

  void AddSequences(const ChunkTokens& chunk);
  void EndSequence();
  void MeasureOrder(BatchOrder order, StopRequest& stop, ComparisonReport& report) const;
  void MeasureCell(Cell& cell, BatchOrder order, StopRequest& stop, ComparisonReport& report) const;
  void MeasureCoBatches(StopRequest& stop, ComparisonReport& report) const;
  void MeasureShapes(StopRequest& stop, ComparisonReport& report) const;
  // body(position, moments) for each position in the sample, but for those left out.
  void ForEachPosition(StopRequest& stop,
                       absl::FunctionRef<void(int64_t, const Moments&)> body) const;
  void LeaveOutConstantPositions(StopRequest& stop);
  void MeasurePositions(StopRequest& stop, ComparisonReport& report) const;
  void MeasureMethods(StopRequest& stop, ComparisonReport& report) const;
  double NanosecondsPerToken(const ComparedMethod& method, StopRequest& stop) const;
  void DrawSegments(ComparisonReport& report) const;

  ComparisonPlan plan_;
  std::vector<ComparedMethod> methods_;
  int64_t channels_;
  Clock clock_;
  ArrivalCells cells_;
  std::optional<PaddedStream> padded_;  // where there is padding
  StreamSegments segments_;
  TokenScales scales_;
  TokenSample sample_;
  GroupSplit by_sequence_;
  PaddingMeasure padding_;
  std::optional<int64_t> open_sequence_;
  Moments sequence_;  // of the open one
  int64_t tokens_ = 0;
  int64_t sequences_ = 0;
  int64_t padded_tokens_ = 0;
  int64_t non_finite_tokens_ = 0;
  std::vector<int64_t> constant_positions_;
  bool first_pass_ended_ = false;
  int64_t tokens_again_ = 0;
  Moments whole_;  // once all came
  Moments scratch_;
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_STREAM_COMPARISON_H_
