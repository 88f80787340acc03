// The rows of a batch.
#ifndef NORMD_CORE_TENSOR_ROWS_H_
#define NORMD_CORE_TENSOR_ROWS_H_

#include <cstdint>
#include <numeric>

#include "absl/types/span.h"

namespace normd {

// Rows one after the other, row-major. A row of two or more dimensions has its first as its steps;
// they may differ from row to row.
struct Rows {
  int64_t count = 0;
  absl::Span<const int64_t> steps;  // of each row; empty: all have as many as their shape says

  Rows() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): a number of rows is rows as their shape says
  Rows(int64_t count, absl::Span<const int64_t> steps = {}) : count(count), steps(steps) {}
};

// How rows of one shape fall into steps. A row of one dimension is one step.
struct StepLayout {
  int64_t steps = 1;      // as the shape says; 0: each batch tells
  int64_t step_size = 1;  // elements
  bool may_vary = false;  // whether rows may bring their own steps

  int64_t row_size() const { return steps * step_size; }  // 0 where each batch tells
  int64_t StepsOf(const Rows& rows, int64_t row) const {
    return rows.steps.empty() ? steps : rows.steps[static_cast<size_t>(row)];
  }
  int64_t SizeOf(const Rows& rows, int64_t row) const { return StepsOf(rows, row) * step_size; }
  int64_t TotalSteps(const Rows& rows) const {
    return rows.steps.empty() ? rows.count * steps
                              : std::accumulate(rows.steps.begin(), rows.steps.end(), int64_t{0});
  }
  int64_t TotalSize(const Rows& rows) const { return TotalSteps(rows) * step_size; }
};

}  // namespace normd

#endif  // NORMD_CORE_TENSOR_ROWS_H_
