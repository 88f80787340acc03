#include "core/comparison/discrepancies.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace normd {
namespace {

// As many batches as the running statistics consist of before anything is measured.
constexpr int64_t kBatchesBefore = 8;

// Of averaged batches so many are known one by one; the older ones are taken together.
constexpr size_t kMostAveraged = 256;

// Makes one of the two oldest batches: of their weight, whose mean varies as much.
void MergeOldest(AveragedReference& averaged) {
  std::vector<double>& weights = averaged.weights;
  std::vector<double>& counts = averaged.counts;
  const double weight = weights[0] + weights[1];
  const double variance = weights[0] * weights[0] / counts[0] + weights[1] * weights[1] / counts[1];
  if (variance > 0) counts[1] = weight * weight / variance;
  weights[1] = weight;
  weights.erase(weights.begin());
  counts.erase(counts.begin());
}

// A mean over channels, some of which may be left out.
struct ChannelMean {
  double sum = 0;
  double channels = 0;

  void Add(double value) {
    sum += value;
    ++channels;
  }
  void AddTo(BlockMeans& means) const {
    if (channels > 0) means.Add(sum / channels);
  }
};

RunningStatistics Begin(const Estimator& estimator, int64_t channels) {
  if (!std::holds_alternative<BatchEma>(estimator)) return {estimator, channels};
  StatisticsSnapshot nothing;
  nothing.mean.resize(channels);
  nothing.variance.resize(channels);
  return *RunningStatistics::From(estimator, channels, nothing);
}

// The mean of a floor over batches, or of its square; absent where some batch has none.
class FloorMean {
 public:
  void Add(std::optional<double> floor, bool squared) {
    ++count_;
    if (!floor) {
      is_infinite_ = true;
      return;
    }
    sum_ += squared ? *floor * *floor : *floor;
  }
  std::optional<double> Result() const {
    if (is_infinite_ || count_ == 0) return std::nullopt;
    return sum_ / count_;
  }

 private:
  double sum_ = 0;
  double count_ = 0;
  bool is_infinite_ = false;
};

bool IsRootMeanSquare(DiscrepancyKind kind) {
  return kind == DiscrepancyKind::kPowerNormMean || kind == DiscrepancyKind::kPowerNormVariance ||
         kind == DiscrepancyKind::kPowerNormRelative;
}

}  // namespace

std::optional<Estimate> MeasuredDiscrepancy::ratio() const {
  if (!measured || !noise_floor || *noise_floor <= 0) return std::nullopt;
  return measured->Times(1 / *noise_floor);
}

RunningDiscrepancies::RunningDiscrepancies(const Estimator& estimator, int64_t channels)
    : running_(Begin(estimator, channels)) {
  if (const auto* ema = std::get_if<BatchEma>(&estimator)) averaged_.unbiased = ema->unbiased;
  if (const auto* mean = std::get_if<CumulativeBatch>(&estimator)) {
    averaged_.unbiased = mean->unbiased;
  }
}

double RunningDiscrepancies::NewWeight(double count) const {
  const Estimator& estimator = running_.estimator();
  if (const auto* ema = std::get_if<BatchEma>(&estimator)) {
    const double old = weight_ * (1 - ema->new_weight());
    return ema->new_weight() / (old + ema->new_weight());
  }
  if (std::holds_alternative<CumulativeBatch>(estimator)) {
    return 1 / static_cast<double>(folded_ + 1);
  }
  return count / (running_.count() + count);
}

// Of tokens: from one of them on, so that nothing is lost where they are far from 0.
void RunningDiscrepancies::BeginWith(const Tokens& first) {
  constexpr double kLargest = 1e100;  // to begin with
  Moments token(first.channels);
  token.Compute(first.data, first.layout());
  for (double& mean : token.mean) mean = std::clamp(mean, -kLargest, kLargest);
  StatisticsSnapshot start;
  start.mean = token.mean;
  start.variance.resize(first.channels);
  running_ = *RunningStatistics::From(running_.estimator(), first.channels, start);
  start_ = std::move(token.mean);
}

ChannelStatistics RunningDiscrepancies::Current() const {
  StatisticsSnapshot snapshot = running_.Snapshot();
  if (std::holds_alternative<BatchEma>(running_.estimator())) {
    for (double& value : snapshot.mean) value /= weight_;
    for (double& value : snapshot.variance) value /= weight_;
  }
  // The start is one more token, of weight 1 - weight_.
  for (size_t c = 0; c < start_.size(); ++c) {
    const double distance = (snapshot.mean[c] - start_[c]) / weight_;
    snapshot.mean[c] = start_[c] + distance;
    snapshot.variance[c] =
        std::max(0.0, snapshot.variance[c] / weight_ - (1 - weight_) * distance * distance);
  }
  return {std::move(snapshot.mean), std::move(snapshot.variance)};
}

void RunningDiscrepancies::Add(const Tokens& batch, const Moments& moments) {
  if (moments.count < 2 && !TakesSingleTokens(running_.estimator())) return;
  const bool measures = folded_ >= kBatchesBefore;
  if (measures) KeepReference(moments.count);
  Fold(batch, moments);
  if (folded_ < kBatchesBefore) return;
  ChannelStatistics after = Current();
  if (measures) Measure(moments, after);
  before_ = std::move(after);
}

// Of those that an average of tokens consists of: what comes before e^-26 of its weight is nothing.
double RunningDiscrepancies::TokensThatWeigh() const {
  constexpr double kNegligible = 26;
  const double decay = -std::log1p(-std::get<TokenEma>(running_.estimator()).alpha);
  return std::min(running_.count(), 8 + std::ceil(kNegligible / decay));
}

void RunningDiscrepancies::KeepReference(double count) {
  batches_.Add([&]() -> Batch {
    const double new_weight = NewWeight(count);
    if (const auto* ema = std::get_if<TokenEma>(&running_.estimator())) {
      return {count, {TokenAveragedReference{ema->alpha, TokensThatWeigh()}}, new_weight};
    }
    if (averaged_.weights.empty()) return {count, PooledReference{running_.count()}, new_weight};
    return {count, averaged_, new_weight};
  });
}

void RunningDiscrepancies::Fold(const Tokens& batch, const Moments& moments) {
  const Estimator& estimator = running_.estimator();
  const double new_weight = NewWeight(moments.count);
  const auto* ema = std::get_if<BatchEma>(&estimator);
  if (ema != nullptr || std::holds_alternative<CumulativeBatch>(estimator)) {
    for (double& weight : averaged_.weights) weight *= 1 - new_weight;
    if (averaged_.weights.size() == kMostAveraged) MergeOldest(averaged_);
    averaged_.weights.push_back(new_weight);
    averaged_.counts.push_back(moments.count);
  }
  if (ema != nullptr) weight_ = weight_ * (1 - ema->new_weight()) + ema->new_weight();
  const auto* token_ema = std::get_if<TokenEma>(&estimator);
  if (token_ema != nullptr && folded_ == 0) BeginWith(batch.Slice(0, 1));
  running_.Fold(batch.data, batch.layout(), moments);
  if (token_ema != nullptr) {
    weight_ = -std::expm1(running_.count() * std::log1p(-token_ema->alpha));
  }
  ++folded_;
}

void RunningDiscrepancies::Measure(const Moments& batch, const ChannelStatistics& after) {
  std::array<ChannelMean, kDiscrepancyKinds> figures;
  const auto figure = [&](DiscrepancyKind kind) -> ChannelMean& {
    return figures[static_cast<size_t>(kind)];
  };
  double mean_square = 0;
  double variance_square = 0;
  const bool has_deviation = batch.count > 1;
  for (size_t c = 0; c < batch.mean.size(); ++c) {
    const double variance = batch.m2[c] / batch.count;
    const double deviation = std::sqrt(variance);
    const double shift = batch.mean[c] - before_.mean[c];
    const double before = std::sqrt(before_.variance[c]);
    mean_square += shift * shift;
    variance_square += (variance - before_.variance[c]) * (variance - before_.variance[c]);
    if (before > 0) {
      const double d = shift / before;
      figure(DiscrepancyKind::kRenormD).Add(std::abs(d));
      figure(DiscrepancyKind::kPowerNormRelative).Add(d * d);
      if (has_deviation) figure(DiscrepancyKind::kRenormR).Add(std::abs(deviation / before - 1));
    }
    const double distance = std::abs(after.mean[c] - batch.mean[c]);
    const double running = std::sqrt(after.variance[c]);
    if (running > 0) {
      figure(DiscrepancyKind::kTidMeanByRunning).Add(distance / running);
      if (has_deviation) {
        figure(DiscrepancyKind::kTidDeviationByRunning).Add(std::abs(deviation / running - 1));
      }
    }
    if (has_deviation && deviation > 0) {
      figure(DiscrepancyKind::kTidMeanByBatch).Add(distance / deviation);
      figure(DiscrepancyKind::kTidDeviationByBatch).Add(std::abs(running / deviation - 1));
    }
  }
  const auto channels = static_cast<double>(batch.mean.size());
  figure(DiscrepancyKind::kPowerNormMean).Add(mean_square / channels / channels);
  if (has_deviation) {
    figure(DiscrepancyKind::kPowerNormVariance).Add(variance_square / channels / channels);
  }
  for (size_t i = 0; i < kDiscrepancyKinds; ++i) figures[i].AddTo(means_[i]);
}

DiscrepancyFloors RunningDiscrepancies::FloorsOf(const Batch& batch) {
  if (const auto* averaged = std::get_if<AveragedReference>(&batch.reference)) {
    return NoiseFloors(batch.count, *averaged, batch.new_weight);
  }
  if (const auto* tokens = std::get_if<TokenAveragedReference>(&batch.reference)) {
    return NoiseFloors(batch.count, *tokens);
  }
  return NoiseFloors(batch.count, std::get<PooledReference>(batch.reference));
}

// Of an average of tokens, batches of one size after its first tokens do.
bool RunningDiscrepancies::HaveSameFloors(const Batch& a, const Batch& b) {
  const auto* tokens = std::get_if<TokenAveragedReference>(&a.reference);
  const auto* others = std::get_if<TokenAveragedReference>(&b.reference);
  return tokens != nullptr && others != nullptr && a.count == b.count && *tokens == *others;
}

void RunningDiscrepancies::Summarize(const std::vector<double>& variance,
                                     Discrepancies& result) const {
  std::array<FloorMean, kDiscrepancyKinds> floors;
  const Batch* last = nullptr;
  DiscrepancyFloors all;
  for (const Batch& batch : batches_.kept()) {
    if (last == nullptr || !HaveSameFloors(*last, batch)) all = FloorsOf(batch);
    last = &batch;
    const std::optional<double> in_order[] = {all.tid_mean_by_batch,
                                              all.tid_deviation_by_batch,
                                              all.tid_mean_by_running,
                                              all.tid_deviation_by_running,
                                              all.renorm_d,
                                              all.renorm_r,
                                              all.powernorm_mean,
                                              all.powernorm_variance,
                                              all.powernorm_relative};
    for (size_t i = 0; i < std::size(in_order); ++i) {
      floors[i].Add(in_order[i], IsRootMeanSquare(static_cast<DiscrepancyKind>(i)));
    }
  }
  const auto channels = static_cast<double>(variance.size());
  const double variances = std::accumulate(variance.begin(), variance.end(), 0.0);
  const double squares =
      std::inner_product(variance.begin(), variance.end(), variance.begin(), 0.0);
  for (size_t i = 0; i < static_cast<size_t>(DiscrepancyKind::kFinalMean); ++i) {
    const auto kind = static_cast<DiscrepancyKind>(i);
    std::optional<double> floor = floors[i].Result();
    if (floor && kind == DiscrepancyKind::kPowerNormMean) *floor *= variances / channels / channels;
    if (floor && kind == DiscrepancyKind::kPowerNormVariance)
      *floor *= squares / channels / channels;
    std::optional<Estimate> measured = means_[i].Result();
    if (IsRootMeanSquare(kind)) {
      if (floor) floor = std::sqrt(*floor);
      if (measured) measured = measured->Root();
    }
    // The squares of variances may be too large.
    if (floor && !std::isfinite(*floor)) floor.reset();
    if (measured && !std::isfinite(measured->value)) measured.reset();
    result[kind] = {measured, floor};
  }
}

FinalDiscrepancies::FinalDiscrepancies(const Moments& whole) : whole_(&whole) {
  for (const double m2 : whole.m2) deviation_.push_back(std::sqrt(m2 / whole.count));
}

void FinalDiscrepancies::Add(const Moments& batch) {
  ChannelMean shift;
  ChannelMean spread;
  for (size_t c = 0; c < deviation_.size(); ++c) {
    if (deviation_[c] == 0) continue;
    shift.Add(std::abs(batch.mean[c] - whole_->mean[c]) / deviation_[c]);
    if (batch.count < 2) continue;
    spread.Add(std::abs(std::sqrt(batch.m2[c] / batch.count) / deviation_[c] - 1));
  }
  shift.AddTo(mean_);
  spread.AddTo(spread_);
  counts_.Add([&] { return batch.count; });
}

void FinalDiscrepancies::Summarize(Discrepancies& result) const {
  FloorMean shift;
  FloorMean spread;
  for (const double count : counts_.kept()) {
    const FinalFloors floors = NoiseFloors(count, WholeReference{whole_->count});
    shift.Add(floors.mean, false);
    spread.Add(floors.deviation, false);
  }
  result[DiscrepancyKind::kFinalMean] = {mean_.Result(), shift.Result()};
  result[DiscrepancyKind::kFinalDeviation] = {spread_.Result(), spread.Result()};
}

}  // namespace normd
