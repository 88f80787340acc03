// What of a batch is padding: rows that are masked out, and steps beyond a row's length.
#ifndef NORMD_CORE_TENSOR_PADDING_H_
#define NORMD_CORE_TENSOR_PADDING_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/tensor/rows.h"

namespace normd {

// Of a batch [rows, steps, ...], row-major. A value.
class Padding {
 public:
  // `lengths`: the valid steps of each row; empty: all. `row_mask`: a bit a row, least significant
  // first, 1 = valid; empty: all. INVALID_ARGUMENT (field "lengths", "row_mask") where they do not
  // fit the batch, or a length lies outside 1 to `steps`. `shape_steps` is the number of steps that
  // rows need not tell (see Rows).
  static absl::StatusOr<Padding> Create(int64_t rows, int64_t steps, int64_t shape_steps,
                                        absl::Span<const int64_t> lengths,
                                        absl::string_view row_mask);

  // Whether there is none.
  bool empty() const { return valid_steps_ == rows_ * steps_; }

  // The batch with it.
  int64_t rows() const { return rows_; }
  int64_t steps() const { return steps_; }
  // The valid steps of each row, 0 where it is masked out; empty: there is no padding, but there
  // need not be any else.
  absl::Span<const int64_t> row_steps() const { return row_steps_; }
  // Whether a row is not masked out.
  bool has(int64_t row) const { return row_steps_.empty() || row_steps_[row] > 0; }

  // The rows without it, as they stand one after the other once it is taken out. Lives as long as
  // this does.
  Rows valid_rows() const { return {valid_count_, valid_rows_}; }
  int64_t valid_steps() const { return valid_steps_; }

  // Copies what is valid of a batch with so many bytes a step.
  void TakeOut(const char* batch, int64_t step_bytes, char* valid) const;

  // Copies it back, and fills the padding with zeros.
  void PutBack(const char* valid, int64_t step_bytes, char* batch) const;

 private:
  Padding() = default;

  int64_t rows_ = 0;
  int64_t steps_ = 0;
  int64_t valid_steps_ = 0;
  int64_t valid_count_ = 0;
  std::vector<int64_t> row_steps_;  // of each row, 0 where it is masked; empty: there is no padding
  std::vector<int64_t> valid_rows_;  // of each valid row; empty: as their shape says
};

}  // namespace normd

#endif  // NORMD_CORE_TENSOR_PADDING_H_
