#include "core/method/group_normalizer.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "core/kernels/channel_kernels.h"
#include "core/kernels/row_kernels.h"

namespace normd {

absl::StatusOr<GroupNormalizer> GroupNormalizer::Create(const NormalizationSpec& spec,
                                                        absl::Span<const int64_t> row_shape) {
  const absl::StatusOr<ChannelBinding> binding = BindChannels(spec, row_shape);
  if (!binding.ok()) return binding.status();
  GroupNormalizer result;
  result.spec_ = spec;
  result.row_ = *binding;
  const int64_t channels = binding->step.channels;
  const int64_t groups = spec.group_count.value_or(channels);
  if (channels % groups != 0) {
    return InvalidFieldError("group_count",
                             absl::StrCat("is ", groups, ", which does not divide the ", channels,
                                          " channels of rows of shape ", ToString(row_shape)));
  }
  result.channels_per_group_ = channels / groups;
  return result;
}

absl::Status GroupNormalizer::Normalize(ConstElements x, const Rows& rows, Elements y) const {
  const int64_t size = row_.steps.TotalSize(rows);
  const bool finite = kernels::AllFinite(x, size);
  NORMD_RETURN_IF_ERROR(CheckFinite(spec_, finite));
  const int64_t channels = row_.step.channels;
  std::vector<double> mean(channels);
  std::vector<double> m2(channels);
  std::vector<double> scale(channels);
  int64_t begin = 0;
  for (int64_t row = 0; row < rows.count; ++row) {
    const ChannelLayout layout = row_.LayoutOf(row_.steps.StepsOf(rows, row));
    const auto channel_count = static_cast<double>(layout.values_per_channel());
    kernels::ComputeChannelMoments(x.From(begin), layout, mean.data(), m2.data());
    // A group's moments are merged into its first channel's, and are then those of all.
    for (int64_t first = 0; first < channels; first += channels_per_group_) {
      for (int64_t i = 1; i < channels_per_group_; ++i) {
        kernels::MergeChannelMoments(channel_count * static_cast<double>(i), channel_count,
                                     &mean[first + i], &m2[first + i], 1, &mean[first], &m2[first]);
      }
      std::fill_n(&mean[first], channels_per_group_, mean[first]);
      std::fill_n(&m2[first], channels_per_group_, m2[first]);
    }
    kernels::ComputeChannelScale(
        m2.data(), channel_count * static_cast<double>(channels_per_group_),
        spec_.resolved_epsilon(), ValuesOrNull(spec_.gamma), channels, scale.data());
    kernels::NormalizeChannels(x.From(begin), layout, mean.data(), scale.data(),
                               ValuesOrNull(spec_.beta), y.From(begin));
    begin += layout.size();
  }
  FinishOutput(spec_, finite, y, size);
  return absl::OkStatus();
}

}  // namespace normd
