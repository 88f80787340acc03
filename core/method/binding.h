// Binding a spec to the shape of a row: the checks and layouts that all normalizers share.
#ifndef NORMD_CORE_METHOD_BINDING_H_
#define NORMD_CORE_METHOD_BINDING_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/kernels/row_kernels.h"
#include "core/method/spec.h"
#include "core/tensor/channel_layout.h"
#include "core/tensor/element_type.h"
#include "core/tensor/rows.h"

namespace normd {

// How rows of `row_shape` fall into steps; its first dimension may be -1 where there are others.
// INVALID_ARGUMENT (field "row_shape") where it is no shape, or has as many dimensions as a batch
// may have.
absl::StatusOr<StepLayout> StepsOf(absl::Span<const int64_t> row_shape);

// The last dimensions of `row_shape`, as many as spec.normalized_rank says, which gamma and beta
// must have as their shape. INVALID_ARGUMENT otherwise.
absl::StatusOr<absl::Span<const int64_t>> TrailingDimensions(const NormalizationSpec& spec,
                                                             absl::Span<const int64_t> row_shape);

// Rows as channels. Where the channels are not a row's first dimension, that one's steps may vary.
struct ChannelBinding {
  StepLayout steps;
  ChannelLayout step;  // of one step

  ChannelLayout LayoutOf(int64_t step_count) const {
    return {step.outer * step_count, step.channels, step.inner};
  }
};

// Rows of `row_shape` as channels on spec.channel_axis, which gamma and beta must have one value
// each of. INVALID_ARGUMENT otherwise.
absl::StatusOr<ChannelBinding> BindChannels(const NormalizationSpec& spec,
                                            absl::Span<const int64_t> row_shape);

int64_t Product(absl::Span<const int64_t> dimensions);

// The values for kernels: null where there are none.
const double* ValuesOrNull(const std::optional<AffineParameter>& parameter);

// gamma and beta for the kernels of rows: as the spec has them, and rounded to float32, where that
// has their range.
class RowAffine {
 public:
  RowAffine() = default;
  explicit RowAffine(const NormalizationSpec& spec);

  // `spec` is the same as before.
  void SetIn(const NormalizationSpec& spec, kernels::RowNorm& norm) const;

 private:
  std::vector<float> narrow_gamma_;  // empty: none
  std::vector<float> narrow_beta_;
};

// Under REJECT, INVALID_ARGUMENT (field "data") unless `finite`.
absl::Status CheckFinite(const NormalizationSpec& spec, bool finite);

// The last steps of every output: the canonical NaN where there may be one, and spec.clip.
void FinishOutput(const NormalizationSpec& spec, bool finite, Elements y, int64_t size);

}  // namespace normd

#endif  // NORMD_CORE_METHOD_BINDING_H_
