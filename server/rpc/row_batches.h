// Batches of rows of one shape and element type, as messages bring them.
#ifndef NORMD_SERVER_RPC_ROW_BATCHES_H_
#define NORMD_SERVER_RPC_ROW_BATCHES_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/tensor/element_type.h"
#include "core/tensor/padding.h"
#include "core/tensor/rows.h"
#include "core/tensor/shape.h"
#include "server/rpc/message_limits.h"

namespace normd::server {

// A batch, as it was sent. Does not own what it holds.
struct ReceivedBatch {
  absl::string_view data;
  absl::Span<const int64_t> shape;    // [N, row...]; empty where the row's shape tells
  absl::Span<const int64_t> lengths;  // as in Chunk
  absl::string_view row_mask;         // as in Chunk
  absl::string_view residual;         // empty: none
};

class RowBatches {
 public:
  // INVALID_ARGUMENT (field "row_shape") where it is no row's shape, or has more dimensions than
  // `limits` allow, or a row, or of rows that vary a step, has more elements. To be known before
  // anything is allocated for channels.
  static absl::StatusOr<RowBatches> Create(absl::Span<const int64_t> row_shape, ElementType type,
                                           const MessageLimits& limits);

  // Refuses lengths from now on unless `layout`, a normalizer's, lets rows bring their own steps.
  void RestrictTo(const StepLayout& layout) { layout_.may_vary &= layout.may_vary; }

  // What of a batch is padding, and so how many rows it holds. INVALID_ARGUMENT with the batch's
  // field ("data", "shape", "lengths", "row_mask", "residual") where it does not fit, before
  // anything is allocated.
  absl::StatusOr<Padding> PaddingOf(const ReceivedBatch& batch) const;

  const Shape& row_shape() const { return row_shape_; }
  int64_t step_size() const { return layout_.step_size; }
  ElementType type() const { return type_; }

 private:
  RowBatches() = default;

  // The steps of a batch's rows, as its shape says where the row's does not.
  absl::StatusOr<int64_t> StepsIn(absl::Span<const int64_t> shape) const;

  Shape row_shape_;
  StepLayout layout_;
  ElementType type_ = ElementType::kFloat32;
  MessageLimits limits_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_ROW_BATCHES_H_
