// The cells of the order of arrival, one for each batch size.
#ifndef NORMD_CORE_COMPARISON_ARRIVAL_CELLS_H_
#define NORMD_CORE_COMPARISON_ARRIVAL_CELLS_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "core/comparison/cell.h"
#include "core/comparison/compared_method.h"
#include "core/comparison/plan.h"
#include "core/comparison/stop_request.h"
#include "core/comparison/token_sample.h"

namespace normd {

// They train as tokens come, chunk by chunk. Inference is over the same chunks again, or over a
// sample of them. Not thread-safe.
class ArrivalCells {
 public:
  // `methods` must outlive it.
  ArrivalCells(const ComparisonPlan& plan, bool with_padding,
               absl::Span<const ComparedMethod> methods, int64_t channels);

  std::vector<Cell>& cells() { return cells_; }
  const std::vector<Cell>& cells() const { return cells_; }

  void Train(const Tokens& chunk);
  // `whole`, the moments of all tokens, must outlive it.
  void FinishTraining(const Moments& whole);

  // Either all chunks, or once a sample.
  void Infer(const Tokens& chunk);
  void InferFrom(const TokenSample& sample, StopRequest& stop);

  // At the end: what was found, unless a stop is asked for.
  void AddResults(bool from_sample, StopRequest& stop, std::vector<CellReport>& results) const;

 private:
  std::vector<Cell> cells_;
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_ARRIVAL_CELLS_H_
