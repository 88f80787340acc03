// Running statistics per channel, mean and variance or extremes, kept by an estimator. A value.
#ifndef NORMD_CORE_STATISTICS_RUNNING_STATISTICS_H_
#define NORMD_CORE_STATISTICS_RUNNING_STATISTICS_H_

#include <cstdint>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "core/kernels/epsilon.h"
#include "core/kernels/executor.h"
#include "core/statistics/estimator.h"
#include "core/statistics/extremes.h"
#include "core/statistics/moments.h"
#include "core/tensor/channel_layout.h"
#include "core/tensor/element_type.h"

namespace normd {

// What one batch says: Extremes for RunningExtremes, Moments for all other estimators.
using BatchStatistics = std::variant<Moments, Extremes>;

// Those of nothing, of the kind that `estimator` takes.
BatchStatistics EmptyBatchStatistics(const Estimator& estimator, int64_t channels);

// Replaces `batch` by the statistics of `x`, whose values must be finite, reusing its arrays. An
// empty layout gives count 0.
void Compute(ConstElements x, const ChannelLayout& layout, BatchStatistics& batch,
             Executor& executor = SerialExecutor());

// Values per channel.
double CountOf(const BatchStatistics& batch);

// How statistics become scales.
struct ScaleRule {
  Epsilon epsilon;                // mean and variance
  const double* gamma = nullptr;  // mean and variance: one per channel, or null
  double range = 1;               // extremes: what they are scaled to
};

// A channel's center, what is subtracted, and its scale: InverseDeviation(variance, epsilon)
// [* gamma], or range / (maximum - minimum). In the arrays of `batch`.
struct ScaledChannels {
  std::vector<double> center;
  std::vector<double> scale;
};
ScaledChannels ComputeCoefficients(BatchStatistics batch, const ScaleRule& rule);

// What running statistics know, for exchange. float64, one value per channel.
struct StatisticsSnapshot {
  double count = 0;  // values per channel that entered
  std::vector<double> mean;
  std::vector<double> variance;  // what INFERENCE divides by; see MeanVariance in method.proto
  uint64_t batches = 0;          // updates that entered
  std::vector<double> minimum;   // RunningExtremes has these, and neither mean nor variance
  std::vector<double> maximum;
};

// Where nothing entered yet: mean 0 and variance 1, or extremes 0 and 1.
class RunningStatistics {
 public:
  RunningStatistics(const Estimator& estimator, int64_t channels);

  // Starts from what is known. INVALID_ARGUMENT with the field ("mean", "variance", "minimum",
  // "maximum", "count", "batches") for sizes other than `channels`, values that are not finite or
  // too large to go on from, a negative variance or count, a maximum below its minimum, a
  // Cumulative or RunningExtremes without a count, or a CumulativeBatch without a number of
  // batches.
  static absl::StatusOr<RunningStatistics> From(const Estimator& estimator, int64_t channels,
                                                const StatisticsSnapshot& initial);

  const Estimator& estimator() const { return estimator_; }

  // Whether updates need the values themselves (TokenEma), not only their statistics.
  bool folds_tokens() const;

  // Folds one batch in: by its statistics, or, where folds_tokens(), by `x` itself, token by token.
  // The statistics must be those of `x`; at least 1 value per channel, and 2 where batch variances
  // are Bessel-corrected. TokenEma reads `x` only, the others `batch` only.
  void Fold(ConstElements x, const ChannelLayout& layout, const BatchStatistics& batch);

  int64_t channels() const { return static_cast<int64_t>(center_.size()); }
  double count() const { return count_; }
  uint64_t batches() const { return batches_; }

  void ComputeCoefficients(const ScaleRule& rule, double* center, double* scale) const;

  // What Fold of a token (one value per channel), ComputeCoefficients, and the normalization by
  // them with `beta` (or null) come to, bit for bit, in one pass. The coefficients are those after
  // the token or, where not `update_first`, before it. False, and nothing is done, where there is
  // no such pass: for extremes, averages of batches, and the first of pooled moments.
  bool FoldAndNormalizeToken(ConstElements x, const ScaleRule& rule, const double* beta,
                             bool update_first, Elements y);

  StatisticsSnapshot Snapshot() const;

 private:
  bool keeps_extremes() const;
  double spread_divisor() const;
  void FoldMoments(const Moments& batch);

  Estimator estimator_;
  double count_ = 0;
  uint64_t batches_ = 0;
  std::vector<double> center_;          // mean, or minimum
  std::vector<double> spread_;          // Cumulative: m2 (once something entered); RunningExtremes:
                                        // maximum; others: variance
  std::vector<double> batch_variance_;  // scratch of the batch estimators
};

}  // namespace normd

#endif  // NORMD_CORE_STATISTICS_RUNNING_STATISTICS_H_
