// A stream with its padding, as batches see it that take padding for tokens.
#ifndef NORMD_CORE_COMPARISON_PADDED_STREAM_H_
#define NORMD_CORE_COMPARISON_PADDED_STREAM_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "core/comparison/arrival_cells.h"
#include "core/comparison/compared_method.h"
#include "core/comparison/plan.h"
#include "core/comparison/report.h"
#include "core/comparison/stop_request.h"
#include "core/comparison/token_sample.h"
#include "core/comparison/tokens.h"
#include "core/statistics/moments.h"

namespace normd {

// From its first chunk with padding on; those without are added too. Has a sample of its own, of
// runs of tokens whatever their sequences. Not thread-safe.
class PaddedStream {
 public:
  // `methods` must outlive it.
  PaddedStream(const ComparisonPlan& plan, absl::Span<const ComparedMethod> methods,
               int64_t channels);

  void Add(const Tokens& chunk);
  // The same chunks come again.
  void AddAgain(const Tokens& chunk);
  bool comes_again() const { return tokens_again_ > 0; }

  // Once, at the end: adds its cells.
  void Finish(StopRequest& stop, std::vector<CellReport>& cells);

 private:
  ArrivalCells cells_;
  TokenSample sample_;
  Moments whole_;  // of all that came
  Moments scratch_;
  int64_t tokens_again_ = 0;
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_PADDED_STREAM_H_
