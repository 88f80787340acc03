#include "core/comparison/method_comparison.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/comparison/discrepancy.h"
#include "core/comparison/noise_floor.h"
#include "core/comparison/output_gap.h"
#include "core/kernels/row_kernels.h"
#include "core/method/binding.h"

namespace normd {
namespace {

// Calls `visitor` with each row that holds neither NaN nor infinity, where it begins, and its size.
template <typename Visitor>
void ForEachFiniteRow(ConstElements x, const StepLayout& layout, const Rows& rows,
                      const Visitor& visitor) {
  int64_t begin = 0;
  for (int64_t i = 0; i < rows.count; ++i) {
    const int64_t size = layout.SizeOf(rows, i);
    const Rows row(1,
                   rows.steps.empty() ? rows.steps : rows.steps.subspan(static_cast<size_t>(i), 1));
    if (kernels::AllFinite(x.From(begin), size)) visitor(row, begin, size);
    begin += size;
  }
}

void SetGap(const OutputGap& gap, Measurements& result) {
  result.output_gap = gap.relative();
  result.largest_gap = gap.largest();
}

}  // namespace

MethodComparison::MethodComparison(Normalizer normalizer, ElementType output_type)
    : normalizer_(std::move(normalizer)), output_type_(output_type) {
  if (const auto* channels = std::get_if<ChannelNormalizer>(&normalizer_)) {
    statistics_.emplace(*spec().estimator, channels->channels());
    batch_ = EmptyBatchStatistics(*spec().estimator, channels->channels());
  }
}

absl::Status MethodComparison::Check(ConstElements x, const Rows& rows) const {
  return CheckFinite(spec(), kernels::AllFinite(x, StepsOf(normalizer_).TotalSize(rows)));
}

Measurements MethodComparison::Measure(ConstElements x, const Rows& rows, ChunkOutputs& outputs) {
  const size_t bytes = StepsOf(normalizer_).TotalSize(rows) * SizeOf(output_type_);
  outputs.inference.resize(bytes);
  outputs.training.resize(bytes);
  const auto* channels = std::get_if<ChannelNormalizer>(&normalizer_);
  const Measurements result = channels != nullptr ? MeasureChannels(*channels, x, rows, outputs)
                                                  : MeasureRows(x, rows, outputs);
  stream_.Add(result);
  return result;
}

Measurements MethodComparison::MeasureChannels(const ChannelNormalizer& normalizer, ConstElements x,
                                               const Rows& rows, ChunkOutputs& outputs) {
  const ChannelNormalizer::FiniteRows finite = normalizer.SelectFiniteRows(x, rows);
  const ChannelLayout layout = normalizer.Layout(finite.rows);
  Compute(finite.data, layout, batch_);
  const double count = CountOf(batch_);
  const bool trains = ChannelNormalizer::CheckEnoughValues(count).ok();
  Measurements result;
  const auto* moments = std::get_if<Moments>(&batch_);
  if (moments != nullptr) MeasureDiscrepancy(*moments, result);
  if (count > 0 && (trains || TakesSingleTokens(statistics_->estimator()))) {
    statistics_->Fold(finite.data, layout, batch_);
    if (moments != nullptr) cold_start_.Observe(*statistics_);
    result.values = layout.values_per_channel();
  }

  const Elements inference(output_type_, outputs.inference.data());
  normalizer.Apply(normalizer.CoefficientsOf(*statistics_), Direction::kForward, x, rows,
                   inference);
  if (!trains) {
    ++refused_by_training_;
    outputs.training.clear();
    return result;
  }
  const Elements training(output_type_, outputs.training.data());
  normalizer.Apply(normalizer.CoefficientsOf(batch_), Direction::kForward, x, rows, training);
  OutputGap gap;
  ForEachFiniteRow(x, normalizer.steps(), rows, [&](const Rows&, int64_t begin, int64_t size) {
    gap.AddRow(training.From(begin), inference.From(begin), size);
  });
  SetGap(gap, result);
  return result;
}

Measurements MethodComparison::MeasureRows(ConstElements x, const Rows& rows,
                                           ChunkOutputs& outputs) const {
  const Elements inference(output_type_, outputs.inference.data());
  const Elements by_itself(output_type_, outputs.training.data());
  Normalize(normalizer_, x, rows, inference).IgnoreError();  // it passed Check
  Measurements result;
  OutputGap gap;
  ForEachFiniteRow(x, StepsOf(normalizer_), rows,
                   [&](const Rows& row, int64_t begin, int64_t size) {
                     Normalize(normalizer_, x.From(begin), row, by_itself).IgnoreError();
                     gap.AddRow(by_itself, inference.From(begin), size);
                     ++result.values;
                   });
  SetGap(gap, result);
  outputs.training.clear();
  return result;
}

void MethodComparison::MeasureDiscrepancy(const Moments& chunk, Measurements& result) const {
  const double entered = statistics_->count();
  if (chunk.count == 0 || entered == 0) return;
  const StatisticsSnapshot running = statistics_->Snapshot();
  std::vector<double> variance = chunk.m2;
  for (double& value : variance) value /= chunk.count;
  const std::optional<Discrepancy> discrepancy =
      DiscrepancyOf(chunk.mean, variance, running.mean, running.variance);
  if (!discrepancy) return;
  result.mean_discrepancy = discrepancy->mean;
  result.mean_noise_floor = MeanNoiseFloor(chunk.count, entered);
  result.deviation_discrepancy = discrepancy->deviation;
  const double floor = DeviationNoiseFloor(chunk.count, entered);
  if (std::isfinite(floor)) result.deviation_noise_floor = floor;
}

MethodSummary MethodComparison::Summarize() const {
  MethodSummary result{.measurements = stream_.Result(),
                       .chunks_refused_by_training = refused_by_training_,
                       .cold_start = {},
                       .statistics = {}};
  if (!statistics_) return result;
  result.statistics = statistics_->Snapshot();
  result.cold_start = cold_start_.CompareTo(*result.statistics);
  return result;
}

}  // namespace normd
