// Normalizers whose statistics lie within the trailing dimensions of a row, or that have none.
#ifndef NORMD_CORE_METHOD_ROW_NORMALIZER_H_
#define NORMD_CORE_METHOD_ROW_NORMALIZER_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/kernels/row_kernels.h"
#include "core/method/binding.h"
#include "core/method/spec.h"
#include "core/tensor/element_type.h"
#include "core/tensor/rows.h"

namespace normd {

// See normalizer.h for what all normalizers have in common.
class RowNormalizer {
 public:
  // `spec` must be resolved, of a method with SharedOver::kTrailingDimensions or kNothing.
  // INVALID_ARGUMENT where it does not fit the row: normalized_rank above the rank, gamma or beta
  // of another shape than the trailing dimensions.
  static absl::StatusOr<RowNormalizer> Create(const NormalizationSpec& spec,
                                              absl::Span<const int64_t> row_shape);

  // The resolved spec. ScaleNorm's default gain is set: the root of the number of elements, unless
  // that may vary from row to row.
  const NormalizationSpec& spec() const { return spec_; }
  const StepLayout& steps() const { return steps_; }
  int64_t row_size() const { return steps_.row_size(); }
  // Elements that share statistics; 0: a whole row's, which varies.
  int64_t group_size() const { return group_size_; }

  // INVALID_ARGUMENT (field "data") for NaN or infinity under REJECT; `y` is then unspecified.
  absl::Status Normalize(ConstElements x, const Rows& rows, Elements y,
                         Executor& executor = SerialExecutor()) const;
  // The same of the sum, as kernels::Add has it, of elements of one type; all may be one.
  absl::Status NormalizeSum(ConstElements x, ConstElements residual, const Rows& rows, Elements y,
                            Executor& executor = SerialExecutor()) const;

 private:
  RowNormalizer() = default;

  kernels::RowNorm NormOf(int64_t group_size) const;
  // By kernel(norm, begin, count, row_size, executor), which normalizes that many rows from element
  // `begin` on and tells whether all were finite.
  template <class Kernel>
  absl::Status NormalizeBy(const Kernel& kernel, const Rows& rows, Elements y,
                           Executor& executor) const;

  NormalizationSpec spec_;
  RowAffine affine_;
  StepLayout steps_;
  int64_t group_size_ = 0;
  bool gain_follows_size_ = false;  // ScaleNorm's, where none was given
};

}  // namespace normd

#endif  // NORMD_CORE_METHOD_ROW_NORMALIZER_H_
