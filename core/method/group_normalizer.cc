#include "core/method/group_normalizer.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "core/kernels/channel_kernels.h"
#include "core/kernels/row_kernels.h"
#include "core/method/binding.h"

namespace normd {

absl::StatusOr<GroupNormalizer> GroupNormalizer::Create(const NormalizationSpec& spec,
                                                        absl::Span<const int64_t> row_shape) {
  const absl::StatusOr<ChannelLayout> channels = ChannelsOf(spec, row_shape);
  if (!channels.ok()) return channels.status();
  GroupNormalizer result;
  result.spec_ = spec;
  result.row_ = *channels;
  const int64_t groups = spec.group_count.value_or(result.row_.channels);
  if (result.row_.channels % groups != 0) {
    return InvalidFieldError(
        "group_count",
        absl::StrCat("is ", groups, ", which does not divide the ", result.row_.channels,
                     " channels of rows of shape ", ToString(row_shape)));
  }
  result.channels_per_group_ = result.row_.channels / groups;
  return result;
}

absl::Status GroupNormalizer::Normalize(const float* x, int64_t rows, float* y) const {
  const bool finite = kernels::AllFinite(x, rows * row_size());
  if (!finite && spec_.non_finite == NonFinitePolicy::kReject) return NotFiniteError();
  const int64_t channels = row_.channels;
  const auto channel_count = static_cast<double>(row_.values_per_channel());
  const double group_count = channel_count * static_cast<double>(channels_per_group_);
  std::vector<double> mean(channels);
  std::vector<double> m2(channels);
  std::vector<double> scale(channels);
  for (int64_t row = 0; row < rows; ++row, x += row_size(), y += row_size()) {
    kernels::ComputeChannelMoments(x, row_, mean.data(), m2.data());
    // A group's moments are merged into its first channel's, and are then those of all.
    for (int64_t first = 0; first < channels; first += channels_per_group_) {
      for (int64_t i = 1; i < channels_per_group_; ++i) {
        kernels::MergeChannelMoments(channel_count * static_cast<double>(i), channel_count,
                                     &mean[first + i], &m2[first + i], 1, &mean[first], &m2[first]);
      }
      std::fill_n(&mean[first], channels_per_group_, mean[first]);
      std::fill_n(&m2[first], channels_per_group_, m2[first]);
    }
    kernels::ComputeChannelScale(m2.data(), group_count, spec_.resolved_epsilon(),
                                 ValuesOrNull(spec_.gamma), channels, scale.data());
    kernels::NormalizeChannels(x, row_, mean.data(), scale.data(), ValuesOrNull(spec_.beta), y);
    if (!finite) kernels::CanonicalizeNans(y, row_size());
  }
  return absl::OkStatus();
}

}  // namespace normd
