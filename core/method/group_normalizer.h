// Normalizers whose statistics lie within a row, over groups of its channels.
#ifndef NORMD_CORE_METHOD_GROUP_NORMALIZER_H_
#define NORMD_CORE_METHOD_GROUP_NORMALIZER_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/method/spec.h"
#include "core/tensor/channel_layout.h"

namespace normd {

// GroupNorm and InstanceNorm. Immutable and safe for concurrent use, as all normalizers are (see
// normalizer.h).
class GroupNormalizer {
 public:
  // `spec` must be resolved, of a method with SharedOver::kChannelGroup. INVALID_ARGUMENT where it
  // does not fit the row: the channel axis outside [N, row_shape...] or 0, channels that do not
  // fall into group_count groups, gamma or beta not of shape [C].
  static absl::StatusOr<GroupNormalizer> Create(const NormalizationSpec& spec,
                                                absl::Span<const int64_t> row_shape);

  const NormalizationSpec& spec() const { return spec_; }
  int64_t row_size() const { return row_.size(); }

  // INVALID_ARGUMENT (field "data") for NaN or infinity under REJECT; `y` is then unspecified.
  absl::Status Normalize(const float* x, int64_t rows, float* y) const;

 private:
  GroupNormalizer() = default;

  NormalizationSpec spec_;
  ChannelLayout row_;
  int64_t channels_per_group_ = 1;
};

}  // namespace normd

#endif  // NORMD_CORE_METHOD_GROUP_NORMALIZER_H_
