#include "core/method/channel_normalizer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "core/kernels/channel_kernels.h"
#include "core/kernels/row_kernels.h"

namespace normd {
namespace {

// Those that lead back. A channel whose scale is 0 comes back as its center.
ChannelCoefficients InverseOf(const ChannelCoefficients& coefficients) {
  ChannelCoefficients result;
  result.in_float64 = true;  // what comes back may be far from 0, and is rounded once
  if (coefficients.shift != nullptr) result.center = *coefficients.shift;
  result.center.resize(coefficients.center.size());
  result.shift = std::make_shared<const std::vector<double>>(coefficients.center);
  result.scale.resize(coefficients.scale.size());
  std::transform(coefficients.scale.begin(), coefficients.scale.end(), result.scale.begin(),
                 [](double scale) { return scale == 0 ? 0 : 1 / scale; });
  return result;
}

kernels::ChannelAffine AffineOf(const ChannelCoefficients& coefficients) {
  return {coefficients.center.data(), coefficients.scale.data(),
          coefficients.shift == nullptr ? nullptr : coefficients.shift->data(),
          coefficients.narrow.empty() ? nullptr : coefficients.narrow.data(),
          coefficients.in_float64};
}

}  // namespace

absl::StatusOr<ChannelNormalizer> ChannelNormalizer::Create(const NormalizationSpec& spec,
                                                            absl::Span<const int64_t> row_shape) {
  const absl::StatusOr<ChannelBinding> binding = BindChannels(spec, row_shape);
  if (!binding.ok()) return binding.status();
  ChannelNormalizer result;
  result.spec_ = spec;
  result.row_ = *binding;
  std::vector<double> shift;
  if (spec.beta) shift = spec.beta->values;
  if (spec.low.value_or(0) != 0) shift.assign(binding->step.channels, *spec.low);
  if (!shift.empty()) result.shift_ = std::make_shared<const std::vector<double>>(std::move(shift));
  return result;
}

absl::Status ChannelNormalizer::CheckFinite(ConstElements x, const Rows& rows) const {
  if (spec_.non_finite == NonFinitePolicy::kPropagate) return absl::OkStatus();
  return normd::CheckFinite(spec_, kernels::AllFinite(x, row_.steps.TotalSize(rows)));
}

absl::Status ChannelNormalizer::CheckInvertible() const {
  if (!spec_.gamma) return absl::OkStatus();
  const std::vector<double>& gamma = spec_.gamma->values;
  constexpr double kSmallest = std::numeric_limits<float>::min();
  const bool invertible = std::all_of(gamma.begin(), gamma.end(),
                                      [](double value) { return std::fabs(value) >= kSmallest; });
  if (invertible) return absl::OkStatus();
  return InvalidFieldError("affine.gamma",
                           "holds 0, or a magnitude below 2^-126, from which no input can be told");
}

absl::Status ChannelNormalizer::CheckEnoughValues(double count) {
  if (count >= 2) return absl::OkStatus();
  return WithReason(
      InvalidFieldError("data",
                        absl::StrCat("holds ", count, " finite value", count == 1 ? "" : "s",
                                     " per channel, and TRAINING needs at least 2: a single value "
                                     "is its own mean, so that any would come out the same. Send "
                                     "more rows a chunk, or use a session in mode STREAMING, which "
                                     "updates its statistics token by token, or INFERENCE, which "
                                     "only reads them")),
      "NEEDS_MORE_ROWS");
}

ChannelNormalizer::FiniteRows ChannelNormalizer::SelectFiniteRows(ConstElements x,
                                                                  const Rows& rows) const {
  FiniteRows result{x, rows, {}, {}};
  if (kernels::AllFinite(x, row_.steps.TotalSize(rows))) return result;
  result.rows = {};
  for (int64_t row = 0; row < rows.count; ++row) {
    const int64_t size = row_.steps.SizeOf(rows, row);
    if (kernels::AllFinite(x, size)) {
      const auto* begin = x.As<char>();
      result.kept.insert(result.kept.end(), begin, begin + size * SizeOf(x.type));
      if (!rows.steps.empty()) result.steps.push_back(row_.steps.StepsOf(rows, row));
      ++result.rows.count;
    }
    x = x.From(size);
  }
  result.data = {x.type, result.kept.data()};
  result.rows.steps = result.steps;
  return result;
}

absl::StatusOr<ChannelNormalizer::FiniteBatch> ChannelNormalizer::ComputeFinite(
    ConstElements x, const Rows& rows, Executor& executor) const {
  FiniteBatch result{{x, rows, {}, {}}, EmptyBatchStatistics(*spec_.estimator, channels())};
  const auto* const moments = std::get_if<Moments>(&result.statistics);
  // Moments tell by themselves, so that the input is read once; but not those of float64, which has
  // finite values that must not enter either.
  const bool tell = moments != nullptr && x.type != ElementType::kFloat64;
  if (tell) Compute(x, Layout(rows), result.statistics, executor);
  const bool finite = tell ? kernels::AllFinite(moments->m2.data(), channels())
                           : kernels::AllFinite(x, row_.steps.TotalSize(rows));
  NORMD_RETURN_IF_ERROR(normd::CheckFinite(spec_, finite));
  if (!finite) result.rows = SelectFiniteRows(x, rows);
  if (!finite || !tell) {
    Compute(result.rows.data, Layout(result.rows.rows), result.statistics, executor);
  }
  return result;
}

ScaleRule ChannelNormalizer::Rule() const {
  return {.epsilon = spec_.resolved_epsilon(),
          .gamma = ValuesOrNull(spec_.gamma),
          .range = spec_.high.value_or(1) - spec_.low.value_or(0)};
}

void ChannelNormalizer::DropCoefficients(std::vector<double>& center,
                                         std::vector<double>& scale) const {
  if (!spec_.center.value_or(true)) std::fill(center.begin(), center.end(), 0.0);
  if (!spec_.scale.value_or(true)) std::fill(scale.begin(), scale.end(), 1.0);
}

ChannelCoefficients ChannelNormalizer::Complete(ScaledChannels channels) const {
  DropCoefficients(channels.center, channels.scale);
  ChannelCoefficients result{
      std::move(channels.center), std::move(channels.scale), shift_, {}, in_float64()};
  if (result.in_float64 || row_.step.inner > 1) return result;  // planes have no use for them
  const auto size = static_cast<int64_t>(result.center.size());
  result.narrow.resize(4 * size);
  if (kernels::Narrowed(AffineOf(result), size, result.narrow.data()).narrow == nullptr) {
    result.narrow.clear();
  }
  return result;
}

ChannelCoefficients ChannelNormalizer::CoefficientsOf(BatchStatistics batch) const {
  return Complete(ComputeCoefficients(std::move(batch), Rule()));
}

ChannelCoefficients ChannelNormalizer::CoefficientsOf(const RunningStatistics& statistics) const {
  ScaledChannels result{std::vector<double>(channels()), std::vector<double>(channels())};
  statistics.ComputeCoefficients(Rule(), result.center.data(), result.scale.data());
  return Complete(std::move(result));
}

bool ChannelNormalizer::Apply(const ChannelCoefficients& coefficients, Direction direction,
                              ConstElements x, const Rows& rows, Elements y, Executor& executor,
                              bool in_float64) const {
  const ChannelLayout layout = Layout(rows);
  if (direction == Direction::kForward) {
    kernels::ChannelAffine affine = AffineOf(coefficients);
    affine.in_float64 = affine.in_float64 || in_float64;
    const bool finite = kernels::NormalizeChannels(affine, x, layout, y, executor);
    FinishOutput(spec_, finite, y, layout.size());
    return finite;
  }
  const bool finite =
      kernels::NormalizeChannels(AffineOf(InverseOf(coefficients)), x, layout, y, executor);
  if (!finite) kernels::CanonicalizeNans(y, layout.size());
  return finite;
}

bool ChannelNormalizer::TakesBlocks(ConstElements x, const ChannelLayout& layout,
                                    Elements y) const {
  return !in_float64() && spec_.center.value_or(true) && spec_.scale.value_or(true) &&
         layout.values_per_channel() >= 2 && x.As<char>() != y.As<char>() &&
         kernels::GainsByBlocks(layout, x.type);
}

absl::Status ChannelNormalizer::NormalizeByBatch(ConstElements x, const Rows& rows, Elements y,
                                                 Executor& executor) const {
  if (const ChannelLayout layout = Layout(rows); TakesBlocks(x, layout, y)) {
    const ScaleRule rule = Rule();
    const bool finite = kernels::NormalizeByOwnMoments(
        {rule.epsilon, rule.gamma, shift_ == nullptr ? nullptr : shift_->data()}, x, layout, y,
        executor);
    NORMD_RETURN_IF_ERROR(normd::CheckFinite(spec_, finite));
    if (finite) {
      FinishOutput(spec_, finite, y, layout.size());
      return absl::OkStatus();
    }
  }
  absl::StatusOr<FiniteBatch> batch = ComputeFinite(x, rows, executor);
  if (!batch.ok()) return batch.status();
  NORMD_RETURN_IF_ERROR(CheckEnoughValues(CountOf(batch->statistics)));
  Apply(CoefficientsOf(std::move(batch->statistics)), Direction::kForward, x, rows, y, executor);
  return absl::OkStatus();
}

void ChannelNormalizer::NormalizeRowByRow(bool update_first, ConstElements x, const Rows& rows,
                                          RunningStatistics& statistics, Elements y) const {
  const ScaleRule rule = Rule();
  const double* const beta = shift_ == nullptr ? nullptr : shift_->data();
  const bool drops = !spec_.center.value_or(true) || !spec_.scale.value_or(true);
  const bool only_tokens = !drops && Layout(rows).values_per_channel() == rows.count &&
                           kernels::AllFinite(x, Layout(rows).size());
  // What is needed where there is no one pass for a row. Made before anything is folded, as there
  // may be no memory for it.
  std::optional<BatchStatistics> batch;
  std::vector<double> center;
  std::vector<double> scale;
  const auto prepare = [&] {
    batch = EmptyBatchStatistics(statistics.estimator(), channels());
    center.resize(channels());
    scale.resize(channels());
  };
  if (!only_tokens) prepare();
  for (int64_t row = 0; row < rows.count; ++row) {
    const ChannelLayout layout = row_.LayoutOf(row_.steps.StepsOf(rows, row));
    const bool finite = only_tokens || kernels::AllFinite(x, layout.size());
    const bool is_token = finite && layout.values_per_channel() == 1 && !drops;
    if (!is_token || !statistics.FoldAndNormalizeToken(x, rule, beta, update_first, y)) {
      if (!batch) prepare();  // of the first row, or not at all
      const auto update = [&] {
        if (!finite) return;
        if (!statistics.folds_tokens()) Compute(x, layout, *batch);
        statistics.Fold(x, layout, *batch);
      };
      if (update_first) update();
      statistics.ComputeCoefficients(rule, center.data(), scale.data());
      DropCoefficients(center, scale);
      if (!update_first) update();
      // As a token's one pass does.
      kernels::NormalizeChannels(
          {.center = center.data(), .scale = scale.data(), .shift = beta, .in_float64 = true}, x,
          layout, y);
    }
    FinishOutput(spec_, finite, y, layout.size());
    x = x.From(layout.size());
    y = y.From(layout.size());
  }
}

}  // namespace normd
