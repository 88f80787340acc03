// Running statistics: mean and variance per channel, kept by an estimator. A value.
#ifndef NORMD_CORE_STATISTICS_RUNNING_STATISTICS_H_
#define NORMD_CORE_STATISTICS_RUNNING_STATISTICS_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "core/kernels/epsilon.h"
#include "core/statistics/estimator.h"
#include "core/statistics/moments.h"
#include "core/tensor/channel_layout.h"

namespace normd {

// What running statistics know, for exchange. float64, one value per channel.
struct StatisticsSnapshot {
  double count = 0;  // values per channel that entered
  std::vector<double> mean;
  std::vector<double> variance;  // what INFERENCE divides by; see MeanVariance in method.proto
  uint64_t batches = 0;          // updates that entered
};

// Where nothing entered yet: mean 0, variance 1.
class RunningStatistics {
 public:
  RunningStatistics(const Estimator& estimator, int64_t channels);

  // Starts from what is known. INVALID_ARGUMENT with the field ("mean", "variance", "count",
  // "batches") for sizes other than `channels`, values that are not finite or too large to go on
  // from, a negative variance or count, a Cumulative without a count, or a CumulativeBatch without
  // a number of batches.
  static absl::StatusOr<RunningStatistics> From(const Estimator& estimator, int64_t channels,
                                                const StatisticsSnapshot& initial);

  // Whether updates need the values themselves (TokenEma), not only their moments.
  bool folds_tokens() const;

  // Folds one batch in: by its moments, or, where folds_tokens(), by `x` itself, token by token.
  // The moments must be those of `x`; batch.count >= 1, and >= 2 where batch variances are
  // Bessel-corrected. TokenEma reads `x` only, the others `batch` only.
  void Fold(const float* x, const ChannelLayout& layout, const Moments& batch);

  int64_t channels() const { return static_cast<int64_t>(mean_.size()); }
  const double* mean() const { return mean_.data(); }
  uint64_t batches() const { return batches_; }

  // InverseDeviation(variance, epsilon) [* gamma] of each channel, into `scale`; gamma may be null.
  void ComputeScale(const Epsilon& epsilon, const double* gamma, double* scale) const;

  StatisticsSnapshot Snapshot() const;

 private:
  double spread_divisor() const;

  Estimator estimator_;
  double count_ = 0;
  uint64_t batches_ = 0;
  std::vector<double> mean_;
  std::vector<double> spread_;          // Cumulative: m2 (once something entered); others: variance
  std::vector<double> batch_variance_;  // scratch of the batch estimators
};

}  // namespace normd

#endif  // NORMD_CORE_STATISTICS_RUNNING_STATISTICS_H_
