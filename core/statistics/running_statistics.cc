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

}  // namespace

RunningStatistics::RunningStatistics(const Estimator& estimator, int64_t channels)
    : estimator_(estimator), mean_(channels, 0.0), spread_(channels, 1.0) {}

absl::StatusOr<RunningStatistics> RunningStatistics::From(const Estimator& estimator,
                                                          int64_t channels,
                                                          const StatisticsSnapshot& initial) {
  NORMD_RETURN_IF_ERROR(CheckSize("mean", initial.mean, channels));
  NORMD_RETURN_IF_ERROR(CheckSize("variance", initial.variance, channels));
  if (!AllWithin(initial.mean, -kLargestMean, kLargestMean)) {
    return InvalidFieldError("mean", "must be finite, and at most 1e100 in magnitude");
  }
  if (!AllWithin(initial.variance, 0, kLargestVariance)) {
    return InvalidFieldError("variance", "must be finite, not negative and at most 1e200");
  }
  const bool pooled = std::holds_alternative<Cumulative>(estimator);
  if (!(initial.count >= 0 && initial.count <= kLargestCount) || (pooled && initial.count == 0)) {
    return InvalidFieldError("count",
                             "must not be negative, nor above 1e18; pooled moments (cumulative) "
                             "need one above 0");
  }
  const bool by_batches = std::holds_alternative<CumulativeBatch>(estimator);
  if (initial.batches > kLargestBatches || (by_batches && initial.batches == 0)) {
    return InvalidFieldError("batches",
                             "must be at most 2^53; an average of batches (cumulative_batch) needs "
                             "one above 0");
  }
  RunningStatistics result(estimator, channels);
  result.count_ = initial.count;
  result.batches_ = initial.batches;
  result.mean_ = initial.mean;
  result.spread_ = initial.variance;
  if (pooled) {
    for (double& spread : result.spread_) spread *= initial.count;
  }
  return result;
}

bool RunningStatistics::folds_tokens() const {
  return std::holds_alternative<TokenEma>(estimator_);
}

void RunningStatistics::Fold(const float* x, const ChannelLayout& layout, const Moments& batch) {
  ++batches_;
  if (const auto* token = std::get_if<TokenEma>(&estimator_)) {
    count_ += static_cast<double>(layout.values_per_channel());
    kernels::FoldTokens(x, layout, token->alpha, mean_.data(), spread_.data());
    return;
  }
  if (std::holds_alternative<Cumulative>(estimator_)) {
    if (count_ == 0) {
      mean_ = batch.mean;
      spread_ = batch.m2;
    } else {
      kernels::MergeChannelMoments(count_, batch.count, batch.mean.data(), batch.m2.data(),
                                   channels(), mean_.data(), spread_.data());
    }
    count_ += batch.count;
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
  count_ += batch.count;
  if (weight == 1) {  // the first batch of an average takes the place of what it started from
    mean_ = batch.mean;
    spread_ = batch_variance_;
    return;
  }
  kernels::FoldAverage(weight, batch.mean.data(), channels(), mean_.data());
  kernels::FoldAverage(weight, batch_variance_.data(), channels(), spread_.data());
}

double RunningStatistics::spread_divisor() const {
  return std::holds_alternative<Cumulative>(estimator_) && count_ > 0 ? count_ : 1;
}

void RunningStatistics::ComputeScale(const Epsilon& epsilon, const double* gamma,
                                     double* scale) const {
  kernels::ComputeChannelScale(spread_.data(), spread_divisor(), epsilon, gamma, channels(), scale);
}

StatisticsSnapshot RunningStatistics::Snapshot() const {
  StatisticsSnapshot result{count_, mean_, spread_, batches_};
  for (double& variance : result.variance) variance /= spread_divisor();
  return result;
}

}  // namespace normd
