#include "server/rpc/row_batches.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "core/method/binding.h"

namespace normd::server {

absl::StatusOr<RowBatches> RowBatches::Create(absl::Span<const int64_t> row_shape, ElementType type,
                                              const MessageLimits& limits) {
  if (static_cast<int64_t>(row_shape.size()) >= limits.max_rank) {
    return InvalidFieldError(
        "row_shape", absl::StrCat("has ", row_shape.size(), " dimensions, and a batch one more; ",
                                  limits.max_rank, " are allowed"));
  }
  const absl::StatusOr<StepLayout> layout = StepsOf(row_shape);
  if (!layout.ok()) return layout.status();
  const int64_t elements = layout->steps == 0 ? layout->step_size : layout->row_size();
  if (elements > limits.max_row_elements) {
    return InvalidFieldError("row_shape",
                             absl::StrCat("a row of ", elements, " elements is above this ",
                                          "server's limit of ", limits.max_row_elements));
  }
  RowBatches result;
  result.row_shape_.assign(row_shape.begin(), row_shape.end());
  result.layout_ = *layout;
  result.type_ = type;
  result.limits_ = limits;
  return result;
}

absl::StatusOr<int64_t> RowBatches::StepsIn(absl::Span<const int64_t> shape) const {
  if (static_cast<int64_t>(shape.size()) > limits_.max_rank) {  // too many to be shown
    return InvalidFieldError("shape", absl::StrCat("has ", shape.size(), " dimensions; at most ",
                                                   limits_.max_rank, " are allowed"));
  }
  if (layout_.steps != 0) {
    if (shape.empty() || absl::MakeConstSpan(row_shape_) == shape.subspan(1)) return layout_.steps;
    return InvalidFieldError("shape", absl::StrCat("is ", ToString(shape), ", but rows have ",
                                                   "shape ", ToString(row_shape_)));
  }
  const auto same = [](int64_t wanted, int64_t given) { return wanted == -1 || wanted == given; };
  if (shape.size() != row_shape_.size() + 1 ||
      !std::equal(row_shape_.begin(), row_shape_.end(), shape.begin() + 1, same)) {
    return InvalidFieldError("shape", absl::StrCat("is ", ToString(shape), ", but must be ",
                                                   "that of rows of shape ", ToString(row_shape_)));
  }
  const int64_t most = limits_.max_row_elements / layout_.step_size;
  if (shape[1] >= 1 && shape[1] <= most) return shape[1];
  return InvalidFieldError("shape",
                           absl::StrCat("has ", shape[1], " steps; 1 to ", most, " are allowed"));
}

absl::StatusOr<Padding> RowBatches::PaddingOf(const ReceivedBatch& batch) const {
  const absl::StatusOr<int64_t> steps = StepsIn(batch.shape);
  if (!steps.ok()) return steps.status();
  const int64_t row_bytes = *steps * layout_.step_size * SizeOf(type_);
  const auto bytes = static_cast<int64_t>(batch.data.size());
  if (bytes % row_bytes != 0) {
    return InvalidFieldError(
        "data", absl::StrCat("holds ", bytes, " bytes, which is no whole number of rows of ",
                             row_bytes, " bytes"));
  }
  const int64_t rows = bytes / row_bytes;
  if (rows > limits_.max_rows) {
    return InvalidFieldError("data", absl::StrCat("holds ", rows, " rows; this server takes ",
                                                  limits_.max_rows, " a message"));
  }
  if (!batch.shape.empty() && batch.shape[0] != rows) {
    return InvalidFieldError(
        "data", absl::StrCat("holds ", rows, " rows, but the shape is ", ToString(batch.shape)));
  }
  if (!batch.residual.empty() && batch.residual.size() != batch.data.size()) {
    return InvalidFieldError("residual", absl::StrCat("holds ", batch.residual.size(),
                                                      " bytes, but data holds ", bytes));
  }
  if (!batch.lengths.empty() && !layout_.may_vary) {
    return InvalidFieldError("lengths",
                             absl::StrCat("do not apply: rows of shape ", ToString(row_shape_),
                                          " have no steps before their channels"));
  }
  return Padding::Create(rows, *steps, layout_.steps, batch.lengths, batch.row_mask);
}

}  // namespace normd::server
