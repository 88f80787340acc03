#include "core/method/group_normalizer.h"

#include <algorithm>
#include <atomic>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "core/kernels/channel_kernels.h"
#include "core/kernels/parts.h"
#include "core/kernels/row_kernels.h"

namespace normd {

absl::StatusOr<GroupNormalizer> GroupNormalizer::Create(const NormalizationSpec& spec,
                                                        absl::Span<const int64_t> row_shape) {
  const absl::StatusOr<ChannelBinding> binding = BindChannels(spec, row_shape);
  if (!binding.ok()) return binding.status();
  GroupNormalizer result;
  result.spec_ = spec;
  result.affine_ = RowAffine(spec);
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

bool GroupNormalizer::NormalizeGroupsAsRows(ConstElements x, int64_t rows, Elements y,
                                            Executor& executor) const {
  const int64_t groups = row_.step.channels / channels_per_group_;
  kernels::RowNorm norm{.epsilon = spec_.resolved_epsilon(), .affine_rows = groups};
  affine_.SetIn(spec_, norm);
  return kernels::NormalizeRows(norm, x, rows * groups, channels_per_group_, y, executor);
}

void GroupNormalizer::ComputeMoments(ConstElements x, const ChannelLayout& layout, double* mean,
                                     double* m2, Executor& executor) const {
  const int64_t groups = layout.channels / channels_per_group_;
  if (layout.outer == 1) {  // a group lies together, as a channel does
    kernels::ComputeChannelMoments(x, {1, groups, channels_per_group_ * layout.inner}, mean, m2,
                                   executor);
    for (int64_t group = groups - 1; group >= 0; --group) {
      std::fill_n(&mean[group * channels_per_group_], channels_per_group_, mean[group]);
      std::fill_n(&m2[group * channels_per_group_], channels_per_group_, m2[group]);
    }
    return;
  }
  kernels::ComputeChannelMoments(x, layout, mean, m2, executor);
  // A group's moments are merged into its first channel's, and are then those of all.
  const auto channel_count = static_cast<double>(layout.values_per_channel());
  for (int64_t first = 0; first < layout.channels; first += channels_per_group_) {
    for (int64_t i = 1; i < channels_per_group_; ++i) {
      kernels::MergeChannelMoments(channel_count * static_cast<double>(i), channel_count,
                                   &mean[first + i], &m2[first + i], 1, &mean[first], &m2[first]);
    }
    std::fill_n(&mean[first], channels_per_group_, mean[first]);
    std::fill_n(&m2[first], channels_per_group_, m2[first]);
  }
}

struct GroupNormalizer::Scratch {
  explicit Scratch(int64_t channels)
      : mean(channels), m2(channels), scale(channels), narrow(4 * channels) {}

  std::vector<double> mean, m2, scale;
  std::vector<float> narrow;
};

bool GroupNormalizer::NormalizeByMoments(ConstElements x, const Rows& rows, Scratch& scratch,
                                         Elements y, Executor& executor) const {
  const int64_t channels = row_.step.channels;
  kernels::ChannelAffine affine{scratch.mean.data(), scratch.scale.data(),
                                ValuesOrNull(spec_.beta)};
  bool finite = true;
  for (int64_t row = 0; row < rows.count; ++row) {
    const ChannelLayout layout = row_.LayoutOf(row_.steps.StepsOf(rows, row));
    ComputeMoments(x, layout, scratch.mean.data(), scratch.m2.data(), executor);
    kernels::ComputeChannelScale(
        scratch.m2.data(), static_cast<double>(layout.values_per_channel() * channels_per_group_),
        spec_.resolved_epsilon(), ValuesOrNull(spec_.gamma), channels, scratch.scale.data());
    if (layout.inner == 1) affine = kernels::Narrowed(affine, channels, scratch.narrow.data());
    if (!kernels::NormalizeChannels(affine, x, layout, y, executor)) finite = false;
    x = x.From(layout.size());
    y = y.From(layout.size());
  }
  return finite;
}

absl::Status GroupNormalizer::Normalize(ConstElements x, const Rows& rows, Elements y,
                                        Executor& executor) const {
  const StepLayout& steps = row_.steps;
  bool finite = true;
  if (steps.step_size == row_.step.channels && steps.steps == 1 && !steps.may_vary) {
    finite = NormalizeGroupsAsRows(x, rows.count, y, executor);
  } else if (rows.steps.empty()) {
    // Tasks allocate nothing: there may be no memory for it.
    const int64_t most = std::min(rows.count, kernels::MostParts(executor));
    std::vector<Scratch> scratches(most, Scratch(row_.step.channels));
    std::atomic<size_t> next = 0;
    const int64_t size = row_size();
    finite = kernels::AllFiniteInParts(
        executor, rows.count, size * (SizeOf(x.type) + SizeOf(y.type)), [&](kernels::Part part) {
          const int64_t begin = part.begin * size;
          return NormalizeByMoments(x.From(begin), part.size(), scratches[next++], y.From(begin),
                                    executor);
        });
  } else {
    Scratch scratch(row_.step.channels);
    finite = NormalizeByMoments(x, rows, scratch, y, executor);
  }
  NORMD_RETURN_IF_ERROR(CheckFinite(spec_, finite));
  FinishOutput(spec_, finite, y, steps.TotalSize(rows));
  return absl::OkStatus();
}

}  // namespace normd
