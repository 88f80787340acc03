#include "core/method/normalizer.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "core/kernels/channel_kernels.h"
#include "core/kernels/row_kernels.h"

namespace normd {
namespace {

constexpr char kNotFinite[] =
    "holds NaN or infinity: clean it, or ask for PROPAGATE, which lets such values through and "
    "keeps "
    "their rows out of the statistics";

int64_t Product(absl::Span<const int64_t> dimensions) {
  return std::accumulate(dimensions.begin(), dimensions.end(), int64_t{1}, std::multiplies<>());
}

absl::Status CheckShape(const char* field, const std::optional<AffineParameter>& parameter,
                        absl::Span<const int64_t> expected) {
  if (!parameter || absl::MakeConstSpan(parameter->shape) == expected) return absl::OkStatus();
  return InvalidFieldError(field, absl::StrCat("has shape ", ToString(parameter->shape),
                                               ", but the row needs ", ToString(expected)));
}

const double* ValuesOrNull(const std::optional<AffineParameter>& parameter) {
  return parameter ? parameter->values.data() : nullptr;
}

absl::Status CheckRowShape(absl::Span<const int64_t> row_shape) {
  const absl::StatusOr<int64_t> count = ElementCount(row_shape);
  return count.ok() ? absl::OkStatus() : InvalidFieldError("row_shape", count.status().message());
}

}  // namespace

absl::StatusOr<RowNormalizer> RowNormalizer::Create(const NormalizationSpec& spec,
                                                    absl::Span<const int64_t> row_shape) {
  NORMD_RETURN_IF_ERROR(CheckRowShape(row_shape));
  const auto rank = static_cast<size_t>(*spec.normalized_rank);
  if (rank > row_shape.size()) {
    return InvalidFieldError("normalized_rank",
                             absl::StrCat("is ", rank, ", but rows of shape ", ToString(row_shape),
                                          " have ", row_shape.size(), " dimensions"));
  }
  const auto trailing = row_shape.last(rank);
  NORMD_RETURN_IF_ERROR(CheckShape("affine.gamma", spec.gamma, trailing));
  NORMD_RETURN_IF_ERROR(CheckShape("affine.beta", spec.beta, trailing));
  RowNormalizer result;
  result.spec_ = spec;
  result.row_size_ = Product(row_shape);
  result.group_size_ = Product(trailing);
  return result;
}

absl::Status RowNormalizer::Normalize(const float* x, int64_t rows, float* y) const {
  const int64_t size = rows * row_size_;
  const bool finite = kernels::AllFinite(x, size);
  if (!finite && spec_.non_finite == NonFinitePolicy::kReject) {
    return InvalidFieldError("data", kNotFinite);
  }
  const kernels::RowNorm norm{TraitsOf(spec_.method).statistic, spec_.resolved_epsilon(),
                              ValuesOrNull(spec_.gamma), ValuesOrNull(spec_.beta)};
  kernels::NormalizeRows(norm, x, size / group_size_, group_size_, y);
  if (!finite) kernels::CanonicalizeNans(y, size);
  return absl::OkStatus();
}

absl::StatusOr<ChannelNormalizer> ChannelNormalizer::Create(const NormalizationSpec& spec,
                                                            absl::Span<const int64_t> row_shape) {
  NORMD_RETURN_IF_ERROR(CheckRowShape(row_shape));
  const auto batch_rank = static_cast<int64_t>(row_shape.size()) + 1;
  const int64_t axis =
      *spec.channel_axis < 0 ? *spec.channel_axis + batch_rank : *spec.channel_axis;
  if (axis < 1 || axis >= batch_rank) {
    return InvalidFieldError(
        "channel_axis", absl::StrCat("is ", *spec.channel_axis, ", but batches of rows of shape ",
                                     ToString(row_shape), " have axes 1 to ", batch_rank - 1,
                                     " besides the batch"));
  }
  const auto place = static_cast<size_t>(axis - 1);
  ChannelNormalizer result;
  result.spec_ = spec;
  result.row_ = {Product(row_shape.first(place)), row_shape[place],
                 Product(row_shape.subspan(place + 1))};
  NORMD_RETURN_IF_ERROR(CheckShape("affine.gamma", spec.gamma, {result.row_.channels}));
  NORMD_RETURN_IF_ERROR(CheckShape("affine.beta", spec.beta, {result.row_.channels}));
  return result;
}

absl::Status ChannelNormalizer::CheckFinite(const float* x, int64_t rows) const {
  if (spec_.non_finite == NonFinitePolicy::kReject && !kernels::AllFinite(x, rows * row_size())) {
    return InvalidFieldError("data", kNotFinite);
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
