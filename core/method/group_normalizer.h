// Normalizers whose statistics lie within a row, over groups of its channels.
#ifndef NORMD_CORE_METHOD_GROUP_NORMALIZER_H_
#define NORMD_CORE_METHOD_GROUP_NORMALIZER_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/method/binding.h"
#include "core/method/spec.h"
#include "core/tensor/channel_layout.h"
#include "core/tensor/element_type.h"
#include "core/tensor/rows.h"

namespace normd {

// GroupNorm and InstanceNorm. See normalizer.h for what all normalizers have in common.
class GroupNormalizer {
 public:
  // `spec` must be resolved, of a method with SharedOver::kChannelGroup. INVALID_ARGUMENT where it
  // does not fit the row: the channel axis outside [N, row_shape...] or 0, channels that do not
  // fall into group_count groups, gamma or beta not of shape [C].
  static absl::StatusOr<GroupNormalizer> Create(const NormalizationSpec& spec,
                                                absl::Span<const int64_t> row_shape);

  const NormalizationSpec& spec() const { return spec_; }
  const StepLayout& steps() const { return row_.steps; }
  int64_t row_size() const { return row_.steps.row_size(); }
  int64_t channels() const { return row_.step.channels; }

  // INVALID_ARGUMENT (field "data") for NaN or infinity under REJECT; `y` is then unspecified.
  absl::Status Normalize(ConstElements x, const Rows& rows, Elements y,
                         Executor& executor = SerialExecutor()) const;

 private:
  GroupNormalizer() = default;

  // Rows whose channels are single values: their groups are rows of a kernel. Returns whether all
  // of `x` was finite.
  bool NormalizeGroupsAsRows(ConstElements x, int64_t rows, Elements y, Executor& executor) const;
  // Room for what one row is normalized by.
  struct Scratch;
  // All others, one row after the other.
  bool NormalizeByMoments(ConstElements x, const Rows& rows, Scratch& scratch, Elements y,
                          Executor& executor) const;
  // Of one row: each channel gets its group's.
  void ComputeMoments(ConstElements x, const ChannelLayout& layout, double* mean, double* m2,
                      Executor& executor) const;

  NormalizationSpec spec_;
  RowAffine affine_;
  ChannelBinding row_;
  int64_t channels_per_group_ = 1;
};

}  // namespace normd

#endif  // NORMD_CORE_METHOD_GROUP_NORMALIZER_H_
