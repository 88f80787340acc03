#include "core/method/normalizer.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "core/kernels/channel_kernels.h"
#include "core/kernels/row_kernels.h"
#include "core/method/binding.h"

namespace normd {

absl::StatusOr<RowNormalizer> RowNormalizer::Create(const NormalizationSpec& spec,
                                                    absl::Span<const int64_t> row_shape) {
  const auto trailing = TrailingDimensions(spec, row_shape);
  if (!trailing.ok()) return trailing.status();
  RowNormalizer result;
  result.spec_ = spec;
  result.row_size_ = Product(row_shape);
  result.group_size_ = Product(*trailing);
  const auto size = static_cast<double>(result.group_size_);
  if (spec.method == Method::kScaleNorm && !spec.gain) result.spec_.gain = std::sqrt(size);
  if (spec.partial) {
    result.counted_ = static_cast<int64_t>(*spec.partial * size);
    if (result.counted_ < 1) {
      return InvalidFieldError("partial", absl::StrCat("is ", *spec.partial, ", no element of the ",
                                                       result.group_size_, " that there are"));
    }
  }
  return result;
}

absl::Status RowNormalizer::Normalize(const float* x, int64_t rows, float* y) const {
  const int64_t size = rows * row_size_;
  const bool finite = kernels::AllFinite(x, size);
  if (!finite && spec_.non_finite == NonFinitePolicy::kReject) return NotFiniteError();
  const kernels::RowNorm norm{.statistic = StatisticOf(spec_),
                              .epsilon = spec_.resolved_epsilon(),
                              .gamma = ValuesOrNull(spec_.gamma),
                              .beta = ValuesOrNull(spec_.beta),
                              .gain = spec_.gain.value_or(1),
                              .counted = counted_};
  kernels::NormalizeRows(norm, x, size / group_size_, group_size_, y);
  if (!finite) kernels::CanonicalizeNans(y, size);
  return absl::OkStatus();
}

absl::StatusOr<ChannelNormalizer> ChannelNormalizer::Create(const NormalizationSpec& spec,
                                                            absl::Span<const int64_t> row_shape) {
  const absl::StatusOr<ChannelLayout> channels = ChannelsOf(spec, row_shape);
  if (!channels.ok()) return channels.status();
  ChannelNormalizer result;
  result.spec_ = spec;
  result.row_ = *channels;
  return result;
}

absl::Status ChannelNormalizer::CheckFinite(const float* x, int64_t rows) const {
  if (spec_.non_finite == NonFinitePolicy::kReject && !kernels::AllFinite(x, rows * row_size())) {
    return NotFiniteError();
  }
  return absl::OkStatus();
}

ChannelNormalizer::FiniteRows ChannelNormalizer::SelectFiniteRows(const float* x,
                                                                  int64_t rows) const {
  FiniteRows result{x, rows, {}};
  if (kernels::AllFinite(x, rows * row_size())) return result;
  result.rows = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const float* begin = x + row * row_size();
    if (!kernels::AllFinite(begin, row_size())) continue;
    result.kept.insert(result.kept.end(), begin, begin + row_size());
    ++result.rows;
  }
  result.data = result.kept.data();
  return result;
}

ChannelCoefficients ChannelNormalizer::CoefficientsOf(const Moments& moments) const {
  ChannelCoefficients result{moments.mean, std::vector<double>(row_.channels)};
  kernels::ComputeChannelScale(moments.m2.data(), moments.count, spec_.resolved_epsilon(),
                               ValuesOrNull(spec_.gamma), row_.channels, result.scale.data());
  return result;
}

ChannelCoefficients ChannelNormalizer::CoefficientsOf(const RunningStatistics& statistics) const {
  ChannelCoefficients result{{statistics.mean(), statistics.mean() + statistics.channels()},
                             std::vector<double>(row_.channels)};
  statistics.ComputeScale(spec_.resolved_epsilon(), ValuesOrNull(spec_.gamma), result.scale.data());
  return result;
}

void ChannelNormalizer::Apply(const ChannelCoefficients& coefficients, const float* x, int64_t rows,
                              float* y) const {
  kernels::NormalizeChannels(x, Layout(rows), coefficients.mean.data(), coefficients.scale.data(),
                             ValuesOrNull(spec_.beta), y);
  if (spec_.non_finite == NonFinitePolicy::kPropagate) {
    kernels::CanonicalizeNans(y, rows * row_size());
  }
}

absl::Status ChannelNormalizer::CheckEnoughRows(int64_t finite_rows) const {
  const int64_t values = Layout(finite_rows).values_per_channel();
  if (values >= 2) return absl::OkStatus();
  return WithReason(
      InvalidFieldError("data",
                        absl::StrCat("holds ", values, " finite value", values == 1 ? "" : "s",
                                     " per channel, and TRAINING needs at least 2: a single value "
                                     "is its own mean, so it normalizes to beta whatever it was. "
                                     "Send more rows a chunk, or use a session in mode STREAMING, "
                                     "which updates its statistics token by token, or INFERENCE, "
                                     "which only reads them")),
      "NEEDS_MORE_ROWS");
}

absl::Status ChannelNormalizer::NormalizeByBatch(const float* x, int64_t rows, float* y) const {
  NORMD_RETURN_IF_ERROR(CheckFinite(x, rows));
  const FiniteRows finite = SelectFiniteRows(x, rows);
  NORMD_RETURN_IF_ERROR(CheckEnoughRows(finite.rows));
  Moments moments(row_.channels);
  moments.Compute(finite.data, Layout(finite.rows));
  Apply(CoefficientsOf(moments), x, rows, y);
  return absl::OkStatus();
}

void ChannelNormalizer::NormalizeRowByRow(bool update_first, const float* x, int64_t rows,
                                          RunningStatistics& statistics, float* y) const {
  const ChannelLayout layout = Layout(1);
  Moments moments(row_.channels);
  std::vector<double> mean(row_.channels);
  std::vector<double> scale(row_.channels);
  for (int64_t row = 0; row < rows; ++row, x += row_size(), y += row_size()) {
    const bool finite = kernels::AllFinite(x, row_size());
    const auto update = [&] {
      if (!finite) return;
      if (!statistics.folds_tokens()) moments.Compute(x, layout);
      statistics.Fold(x, layout, moments);
    };
    if (update_first) update();
    std::copy_n(statistics.mean(), row_.channels, mean.data());
    statistics.ComputeScale(spec_.resolved_epsilon(), ValuesOrNull(spec_.gamma), scale.data());
    if (!update_first) update();
    kernels::NormalizeChannels(x, layout, mean.data(), scale.data(), ValuesOrNull(spec_.beta), y);
    if (!finite) kernels::CanonicalizeNans(y, row_size());
  }
}

}  // namespace normd
