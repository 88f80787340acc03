#include "core/statistics/running_statistics.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "core/kernels/channel_kernels.h"

namespace normd {
namespace {

absl::Status CheckSize(const char* field, const std::vector<double>& values, int64_t channels) {
  if (static_cast<int64_t>(values.size()) == channels) return absl::OkStatus();
  return InvalidFieldError(
      field, absl::StrCat("holds ", values.size(), " values for ", channels, " channels"));
}

// False for NaN too.
bool AllWithin(const std::vector<double>& values, double low, double high) {
  return std::all_of(values.begin(), values.end(),
                     [low, high](double v) { return v >= low && v <= high; });
}

// Squared distances between such means, times such counts, stay finite.
constexpr double kLargestMean = 1e100;
constexpr double kLargestVariance = 1e200;
constexpr double kLargestCount = 1e18;
constexpr uint64_t kLargestBatches = uint64_t{1} << 53;

absl::Status CheckMoments(const StatisticsSnapshot& initial, int64_t channels) {
  NORMD_RETURN_IF_ERROR(CheckSize("mean", initial.mean, channels));
  NORMD_RETURN_IF_ERROR(CheckSize("variance", initial.variance, channels));
  if (!AllWithin(initial.mean, -kLargestMean, kLargestMean)) {
    return InvalidFieldError("mean", "must be finite, and at most 1e100 in magnitude");
  }
  if (!AllWithin(initial.variance, 0, kLargestVariance)) {
    return InvalidFieldError("variance", "must be finite, not negative and at most 1e200");
  }
  return absl::OkStatus();
}

absl::Status CheckExtremes(const StatisticsSnapshot& initial, int64_t channels) {
  NORMD_RETURN_IF_ERROR(CheckSize("minimum", initial.minimum, channels));
  NORMD_RETURN_IF_ERROR(CheckSize("maximum", initial.maximum, channels));
  for (const auto& [field, values] :
       {std::pair("minimum", &initial.minimum), std::pair("maximum", &initial.maximum)}) {
    if (!AllWithin(*values, -kLargestMean, kLargestMean)) {
      return InvalidFieldError(field, "must be finite, and at most 1e100 in magnitude");
    }
  }
  if (!std::equal(initial.minimum.begin(), initial.minimum.end(), initial.maximum.begin(),
                  std::less_equal<>())) {
    return InvalidFieldError("maximum", "is below the minimum");
  }
  return absl::OkStatus();
}

void ComputeRangeCoefficients(const double* minimum, const double* maximum, int64_t channels,
                              double range, double* center, double* scale) {
  for (int64_t c = 0; c < channels; ++c) {
    scale[c] = InverseRange(minimum[c], maximum[c]) * range;
    center[c] = minimum[c];
  }
}

}  // namespace

BatchStatistics EmptyBatchStatistics(const Estimator& estimator, int64_t channels) {
  if (std::holds_alternative<RunningExtremes>(estimator)) return Extremes(channels);
  return Moments(channels);
}

void Compute(ConstElements x, const ChannelLayout& layout, BatchStatistics& batch,
             Executor& executor) {
  if (auto* moments = std::get_if<Moments>(&batch)) return moments->Compute(x, layout, executor);
  std::get<Extremes>(batch).Compute(x, layout);
}

double CountOf(const BatchStatistics& batch) {
  return std::visit([](const auto& statistics) { return statistics.count; }, batch);
}

ScaledChannels ComputeCoefficients(BatchStatistics batch, const ScaleRule& rule) {
  if (auto* extremes = std::get_if<Extremes>(&batch)) {
    ScaledChannels result{std::move(extremes->minimum), std::move(extremes->maximum)};
    ComputeRangeCoefficients(result.center.data(), result.scale.data(),
                             static_cast<int64_t>(result.center.size()), rule.range,
                             result.center.data(), result.scale.data());
    return result;
  }
  Moments& moments = std::get<Moments>(batch);
  ScaledChannels result{std::move(moments.mean), std::move(moments.m2)};
  kernels::ComputeChannelScale(result.scale.data(), moments.count, rule.epsilon, rule.gamma,
                               static_cast<int64_t>(result.scale.size()), result.scale.data());
  return result;
}

RunningStatistics::RunningStatistics(const Estimator& estimator, int64_t channels)
    : estimator_(estimator), center_(channels, 0.0), spread_(channels, 1.0) {}

absl::StatusOr<RunningStatistics> RunningStatistics::From(const Estimator& estimator,
                                                          int64_t channels,
                                                          const StatisticsSnapshot& initial) {
  RunningStatistics result(estimator, channels);
  const bool extremes = result.keeps_extremes();
  NORMD_RETURN_IF_ERROR(extremes ? CheckExtremes(initial, channels)
                                 : CheckMoments(initial, channels));
  const bool pooled = extremes || std::holds_alternative<Cumulative>(estimator);
  if (!(initial.count >= 0 && initial.count <= kLargestCount) || (pooled && initial.count == 0)) {
    return InvalidFieldError("count",
                             "must not be negative, nor above 1e18; pooled moments (cumulative) "
                             "and extremes need one above 0");
  }
  const bool by_batches = std::holds_alternative<CumulativeBatch>(estimator);
  if (initial.batches > kLargestBatches || (by_batches && initial.batches == 0)) {
    return InvalidFieldError("batches",
                             "must be at most 2^53; an average of batches (cumulative_batch) needs "
                             "one above 0");
  }
  result.count_ = initial.count;
  result.batches_ = initial.batches;
  result.center_ = extremes ? initial.minimum : initial.mean;
  result.spread_ = extremes ? initial.maximum : initial.variance;
  for (double& spread : result.spread_) spread *= result.spread_divisor();
  return result;
}

bool RunningStatistics::folds_tokens() const {
  return std::holds_alternative<TokenEma>(estimator_);
}

bool RunningStatistics::keeps_extremes() const {
  return std::holds_alternative<RunningExtremes>(estimator_);
}

void RunningStatistics::Fold(ConstElements x, const ChannelLayout& layout,
                             const BatchStatistics& batch) {
  ++batches_;
  if (const auto* token = std::get_if<TokenEma>(&estimator_)) {
    kernels::FoldTokens(x, layout, token->alpha, center_.data(), spread_.data());
    count_ += static_cast<double>(layout.values_per_channel());
    return;
  }
  if (const auto* extremes = std::get_if<Extremes>(&batch)) {
    for (size_t c = 0; c < center_.size(); ++c) {
      const bool first = count_ == 0;
      center_[c] = first ? extremes->minimum[c] : std::min(center_[c], extremes->minimum[c]);
      spread_[c] = first ? extremes->maximum[c] : std::max(spread_[c], extremes->maximum[c]);
    }
  } else {
    FoldMoments(std::get<Moments>(batch));
  }
  count_ += CountOf(batch);
}

void RunningStatistics::FoldMoments(const Moments& batch) {
  if (std::holds_alternative<Cumulative>(estimator_)) {
    if (count_ == 0) {
      center_ = batch.mean;
      spread_ = batch.m2;
    } else {
      kernels::MergeChannelMoments(count_, batch.count, batch.mean.data(), batch.m2.data(),
                                   channels(), center_.data(), spread_.data());
    }
    return;
  }
  const auto* ema = std::get_if<BatchEma>(&estimator_);
  const bool unbiased =
      ema != nullptr ? ema->unbiased : std::get<CumulativeBatch>(estimator_).unbiased;
  const double weight = ema != nullptr ? ema->new_weight() : 1 / static_cast<double>(batches_);
  const double divisor = unbiased ? batch.count - 1 : batch.count;
  batch_variance_.resize(batch.m2.size());
  std::transform(batch.m2.begin(), batch.m2.end(), batch_variance_.begin(),
                 [divisor](double m2) { return m2 / divisor; });
  if (weight == 1) {  // the first batch of an average takes the place of what it started from
    center_ = batch.mean;
    spread_ = batch_variance_;
    return;
  }
  kernels::FoldAverage(weight, batch.mean.data(), channels(), center_.data());
  kernels::FoldAverage(weight, batch_variance_.data(), channels(), spread_.data());
}

double RunningStatistics::spread_divisor() const {
  return std::holds_alternative<Cumulative>(estimator_) && count_ > 0 ? count_ : 1;
}

void RunningStatistics::ComputeCoefficients(const ScaleRule& rule, double* center,
                                            double* scale) const {
  if (keeps_extremes()) {
    return ComputeRangeCoefficients(center_.data(), spread_.data(), channels(), rule.range, center,
                                    scale);
  }
  std::copy(center_.begin(), center_.end(), center);
  kernels::ComputeChannelScale(spread_.data(), spread_divisor(), rule.epsilon, rule.gamma,
                               channels(), scale);
}

bool RunningStatistics::FoldAndNormalizeToken(ConstElements x, const ScaleRule& rule,
                                              const double* beta, bool update_first, Elements y) {
  kernels::TokenStep step;
  if (const auto* token = std::get_if<TokenEma>(&estimator_)) {
    step.merges = false;
    step.weight = token->alpha;
  } else if (std::holds_alternative<Cumulative>(estimator_) && count_ > 0) {
    step.weight = 1 / (count_ + 1);
    step.count = count_;
  } else {
    return false;
  }
  step.folds_first = update_first;
  step.divisor = spread_divisor();
  ++batches_;
  count_ += 1;
  if (update_first) step.divisor = spread_divisor();
  step.epsilon = rule.epsilon;
  step.gamma = rule.gamma;
  step.beta = beta;
  kernels::FoldAndNormalizeToken(step, x, channels(), center_.data(), spread_.data(), y);
  return true;
}

StatisticsSnapshot RunningStatistics::Snapshot() const {
  StatisticsSnapshot result;
  result.count = count_;
  result.batches = batches_;
  if (keeps_extremes()) {
    result.minimum = center_;
    result.maximum = spread_;
  } else {
    result.mean = center_;
    result.variance = spread_;
    for (double& variance : result.variance) variance /= spread_divisor();
  }
  return result;
}

}  // namespace normd
