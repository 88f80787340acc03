// How far the statistics of batches are from the running ones, and from those of all tokens. See
// proto/normd/v1/report.proto, message Discrepancies, for every definition.
#ifndef NORMD_CORE_COMPARISON_DISCREPANCIES_H_
#define NORMD_CORE_COMPARISON_DISCREPANCIES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "core/comparison/estimate.h"
#include "core/comparison/noise_floor.h"
#include "core/comparison/tokens.h"
#include "core/statistics/moments.h"
#include "core/statistics/running_statistics.h"

namespace normd {

enum class DiscrepancyKind : size_t {
  kTidMeanByBatch,
  kTidDeviationByBatch,
  kTidMeanByRunning,
  kTidDeviationByRunning,
  kRenormD,
  kRenormR,
  kPowerNormMean,
  kPowerNormVariance,
  kPowerNormRelative,
  kFinalMean,
  kFinalDeviation,
};
inline constexpr size_t kDiscrepancyKinds = 11;

// One of them. `measured` is absent where nothing was, `noise_floor` where there is none, and both
// where float64 has no such value.
struct MeasuredDiscrepancy {
  std::optional<Estimate> measured;
  std::optional<double> noise_floor;

  std::optional<Estimate> ratio() const;
};

struct Discrepancies {
  std::array<MeasuredDiscrepancy, kDiscrepancyKinds> values;

  MeasuredDiscrepancy& operator[](DiscrepancyKind kind) {
    return values[static_cast<size_t>(kind)];
  }
  const MeasuredDiscrepancy& operator[](DiscrepancyKind kind) const {
    return values[static_cast<size_t>(kind)];
  }
};

// Mean and variance by channel.
struct ChannelStatistics {
  std::vector<double> mean;
  std::vector<double> variance;
};

// At most 64 of a sequence of things, evenly spaced. A value.
template <typename T>
class EvenlySpaced {
 public:
  // Calls `make` for what is kept.
  template <class Make>
  void Add(const Make& make) {
    if (seen_++ % stride_ != 0) return;
    if (kept_.size() == kMost) {
      for (size_t i = 1; i < kMost / 2; ++i) kept_[i] = std::move(kept_[2 * i]);
      kept_.resize(kMost / 2);
      stride_ *= 2;
      if ((seen_ - 1) % stride_ != 0) return;
    }
    kept_.push_back(make());
  }
  const std::vector<T>& kept() const { return kept_; }

 private:
  static constexpr size_t kMost = 64;

  std::vector<T> kept_;
  int64_t seen_ = 0;
  int64_t stride_ = 1;
};

// Those against the running statistics of one estimator, which must keep mean and variance. A
// value; what it holds does not grow.
class RunningDiscrepancies {
 public:
  RunningDiscrepancies(const Estimator& estimator, int64_t channels);

  // Measures a batch with its moments, then folds it in. One that the estimator cannot take (a
  // single token where batch variances are averaged) is left out.
  void Add(const Tokens& batch, const Moments& moments);

  // With the noise floors for channels of such deviations.
  void Summarize(const std::vector<double>& variance, Discrepancies& result) const;

 private:
  struct Batch {
    double count = 0;
    std::variant<PooledReference, AveragedReference, TokenAveragedReference> reference;
    double new_weight = 0;
  };

  double TokensThatWeigh() const;
  static DiscrepancyFloors FloorsOf(const Batch& batch);
  static bool HaveSameFloors(const Batch& a, const Batch& b);

  void Measure(const Moments& batch, const ChannelStatistics& after);
  void Fold(const Tokens& batch, const Moments& moments);
  double NewWeight(double count) const;
  void BeginWith(const Tokens& first);
  void KeepReference(double count);
  ChannelStatistics Current() const;

  RunningStatistics running_;  // an average begins with variance 0, of weight 1 - weight_
  double weight_ = 0;
  std::vector<double> start_;  // and of tokens, with this mean
  int64_t folded_ = 0;
  ChannelStatistics before_;
  AveragedReference averaged_;
  std::array<BlockMeans, kDiscrepancyKinds> means_;
  EvenlySpaced<Batch> batches_;
};

// Those against the statistics of all tokens. A value.
class FinalDiscrepancies {
 public:
  // `whole` must outlive it.
  explicit FinalDiscrepancies(const Moments& whole);

  void Add(const Moments& batch);
  void Summarize(Discrepancies& result) const;

 private:
  const Moments* whole_;
  std::vector<double> deviation_;
  BlockMeans mean_;
  BlockMeans spread_;
  EvenlySpaced<double> counts_;
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_DISCREPANCIES_H_
