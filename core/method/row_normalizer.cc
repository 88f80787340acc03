#include "core/method/row_normalizer.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"

namespace normd {

absl::StatusOr<RowNormalizer> RowNormalizer::Create(const NormalizationSpec& spec,
                                                    absl::Span<const int64_t> row_shape) {
  const auto trailing = TrailingDimensions(spec, row_shape);
  if (!trailing.ok()) return trailing.status();
  RowNormalizer result;
  result.spec_ = spec;
  result.affine_ = RowAffine(spec);
  result.steps_ = *StepsOf(row_shape);
  result.gain_follows_size_ = spec.method == Method::kScaleNorm && !spec.gain;
  const bool whole_rows = trailing->size() == row_shape.size() && result.steps_.may_vary;
  if (whole_rows && result.steps_.steps == 0) return result;  // of any size
  const int64_t size = Product(*trailing);
  if (!whole_rows) result.group_size_ = size;
  if (result.gain_follows_size_ && !whole_rows) {
    result.spec_.gain = std::sqrt(static_cast<double>(size));
  }
  return result;
}

kernels::RowNorm RowNormalizer::NormOf(int64_t group_size) const {
  const auto size = static_cast<double>(group_size);
  kernels::RowNorm norm{.statistic = StatisticOf(spec_),
                        .epsilon = spec_.resolved_epsilon(),
                        .offset = spec_.low.value_or(0),
                        .center = spec_.center.value_or(true),
                        .rescale = spec_.scale.value_or(true)};
  affine_.SetIn(spec_, norm);
  if (spec_.gain) norm.gain = *spec_.gain;
  if (spec_.high) norm.gain = *spec_.high - *spec_.low;
  if (gain_follows_size_) norm.gain = std::sqrt(size);
  if (spec_.partial.value_or(1) < 1) {
    norm.counted = std::max<int64_t>(1, static_cast<int64_t>(*spec_.partial * size));
  }
  return norm;
}

template <class Kernel>
absl::Status RowNormalizer::NormalizeBy(const Kernel& kernel, const Rows& rows, Elements y,
                                        Executor& executor) const {
  const int64_t size = steps_.TotalSize(rows);
  bool finite = true;
  if (group_size_ > 0) {
    finite = kernel(NormOf(group_size_), 0, size / group_size_, group_size_, executor);
  } else {
    int64_t begin = 0;
    for (int64_t row = 0; row < rows.count; ++row) {
      const int64_t row_size = steps_.SizeOf(rows, row);
      if (!kernel(NormOf(row_size), begin, 1, row_size, SerialExecutor())) finite = false;
      begin += row_size;
    }
  }
  NORMD_RETURN_IF_ERROR(CheckFinite(spec_, finite));
  FinishOutput(spec_, finite, y, size);
  return absl::OkStatus();
}

absl::Status RowNormalizer::Normalize(ConstElements x, const Rows& rows, Elements y,
                                      Executor& executor) const {
  const auto kernel = [&](const kernels::RowNorm& norm, int64_t begin, int64_t count,
                          int64_t row_size, Executor& threads) {
    return kernels::NormalizeRows(norm, x.From(begin), count, row_size, y.From(begin), threads);
  };
  return NormalizeBy(kernel, rows, y, executor);
}

absl::Status RowNormalizer::NormalizeSum(ConstElements x, ConstElements residual, const Rows& rows,
                                         Elements y, Executor& executor) const {
  const auto kernel = [&](const kernels::RowNorm& norm, int64_t begin, int64_t count,
                          int64_t row_size, Executor& threads) {
    return kernels::NormalizeSums(norm, x.From(begin), residual.From(begin), count, row_size,
                                  y.From(begin), threads);
  };
  return NormalizeBy(kernel, rows, y, executor);
}

}  // namespace normd
