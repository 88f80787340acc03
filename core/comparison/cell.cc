#include "core/comparison/cell.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/comparison/median.h"
#include "core/kernels/channel_kernels.h"

namespace normd {
namespace {

// Of squares: as many as there may be still have a sum.
constexpr double kTooLarge = 0x1p960;

}  // namespace

void TokenGaps::Add(const double* y, const double* reference, const Tokens& tokens) {
  const int64_t channels = tokens.channels;
  for (int64_t token = 0; token < tokens.count; ++token, y += channels, reference += channels) {
    if (tokens.padding != nullptr && tokens.padding[token] != 0) continue;
    double difference = 0;
    double square = 0;
    for (int64_t c = 0; c < channels; ++c) {
      difference += (y[c] - reference[c]) * (y[c] - reference[c]);
      square += reference[c] * reference[c];
    }
    if (!(difference < kTooLarge && square < kTooLarge)) continue;
    open_differences_ += difference;
    open_references_ += square;
    has_open_ = true;
    if (difference == 0) {
      quantiles_.Add(0);
    } else if (square > 0) {
      quantiles_.Add(std::sqrt(difference / square));
    }
  }
}

std::optional<GapSummary> TokenGaps::Result() const {
  if (quantiles_.count() == 0) return std::nullopt;
  GapSummary result{quantiles_.Quantile(0.5), quantiles_.Quantile(0.99), quantiles_.largest(), {}};
  const auto overall = difference_squares_.Over(reference_squares_);
  if (overall && overall->value > 0) result.overall = overall->Root();
  return result;
}

void TokenGaps::EndBatch() {
  if (!has_open_) return;
  difference_squares_.Add(open_differences_);
  reference_squares_.Add(open_references_);
  open_differences_ = 0;
  open_references_ = 0;
  has_open_ = false;
}

Cell::Cell(BatchOrder order, int64_t batch_size, bool with_padding,
           absl::Span<const ComparedMethod> methods, int64_t channels)
    : channels_(channels),
      training_(batch_size),
      inference_(batch_size),
      means_(channels),
      zeros_(channels),
      batch_(channels) {
  report_.order = order;
  report_.batch_size = batch_size;
  report_.with_padding = with_padding;
  for (const ComparedMethod& compared : methods) {
    Method& method = methods_.emplace_back();
    method.compared = &compared;
    if (compared.channels() == nullptr) continue;
    method.trained.emplace(*compared.spec().estimator, channels);
    if (compared.keeps_moments()) {
      method.discrepancies.emplace(*compared.spec().estimator, channels);
    }
  }
}

void Cell::Train(const Tokens& tokens) {
  training_.Add(tokens, [this](const Tokens& batch) { TrainOn(batch); });
}

void Cell::EndTrainingGroup() {
  training_.EndGroup([this](const Tokens& batch) { TrainOn(batch); });
}

void Cell::Infer(const Tokens& tokens) {
  inference_.Add(tokens, [this](const Tokens& batch) { InferOn(batch); });
}

void Cell::EndInferenceGroup() {
  inference_.EndGroup([this](const Tokens& batch) { InferOn(batch); });
}

void Cell::TrainOn(const Tokens& batch) {
  batch_.Compute(batch.data, batch.layout());
  ++batches_;
  tokens_ += batch_.count;
  sizes_.Add([this] { return batch_.count; });
  kernels::MergeChannelMoments(static_cast<double>(batches_ - 1), 1, batch_.mean.data(),
                               zeros_.data(), channels_, means_.mean.data(), means_.m2.data());
  for (Method& method : methods_) {
    if (!method.trained) continue;
    if (method.discrepancies) method.discrepancies->Add(batch, batch_);
    if (batch.count < 2 && !TakesSingleTokens(method.trained->estimator())) continue;
    method.trained->Fold(batch.data, batch.layout(), StatisticsOf(method, batch));
    if (watches_cold_start_ && method.discrepancies) method.cold_start.Observe(*method.trained);
  }
}

void Cell::FinishTraining(const Moments& whole) {
  training_ = BatchCutter(batch_size());
  whole_ = &whole;
  final_.emplace(whole);
  for (Method& method : methods_) {
    if (!method.trained) continue;
    method.inference = method.compared->channels()->CoefficientsOf(*method.trained);
  }
}

void Cell::InferInUsualBatches() { inference_ = BatchCutter(UsualBatchSize()); }

int64_t Cell::UsualBatchSize() const {
  return batches_ == 0 ? 0 : std::llround(Median(sizes_.kept()));
}

// Not where TRAINING refuses the batch, or the method cannot tell what a token comes out as.
bool Cell::TakesBatch(const Method& method, const Tokens& batch) const {
  if (!method.compared->takes_tokens()) return false;
  return method.compared->channels() == nullptr ||
         ChannelNormalizer::CheckEnoughValues(static_cast<double>(batch.count)).ok();
}

// Of the batch whose moments are in batch_.
BatchStatistics Cell::StatisticsOf(const Method& method, const Tokens& batch) const {
  if (method.compared->keeps_moments()) return batch_;
  return method.compared->StatisticsOf(batch);
}

// `training` is null for methods that go by no batch: all of the tokens beside each alone.
void Cell::AddOutputs(const ChannelCoefficients* training, const Tokens& tokens, size_t method) {
  y_.resize(tokens.count * channels_);
  reference_.resize(y_.size());
  const ComparedMethod& compared = *methods_[method].compared;
  compared.Apply(training, tokens, y_.data());
  if (training != nullptr) {
    compared.Apply(&*methods_[method].inference, tokens, reference_.data());
  } else {
    for (int64_t i = 0; i < tokens.count; ++i) {
      compared.Apply(nullptr, tokens.Slice(i, 1), reference_.data() + i * channels_);
    }
  }
  methods_[method].gaps.Add(y_.data(), reference_.data(), tokens);
  if (densities_.empty()) return;
  densities_[2 * method].Add(y_.data(), static_cast<int64_t>(y_.size()));
  densities_[2 * method + 1].Add(reference_.data(), static_cast<int64_t>(reference_.size()));
}

void Cell::InferOn(const Tokens& batch) {
  constexpr int64_t kAtOnce = 256;  // tokens, whose outputs are kept
  batch_.Compute(batch.data, batch.layout());
  final_->Add(batch_);
  ++batches_with_outputs_;
  for (size_t i = 0; i < methods_.size(); ++i) {
    if (!TakesBatch(methods_[i], batch)) continue;
    std::optional<ChannelCoefficients> training;
    if (const ChannelNormalizer* channels = methods_[i].compared->channels()) {
      training = channels->CoefficientsOf(StatisticsOf(methods_[i], batch));
    }
    for (int64_t begin = 0; begin < batch.count; begin += kAtOnce) {
      AddOutputs(training ? &*training : nullptr,
                 batch.Slice(begin, std::min(kAtOnce, batch.count - begin)), i);
    }
    methods_[i].gaps.EndBatch();
  }
}

std::optional<ColdStartTime> Cell::ColdStartOf(size_t method) const {
  constexpr double kNear = 0.1;
  if (batches_ == 0 || !methods_[method].discrepancies) return std::nullopt;
  std::optional<int64_t> tokens;
  for (const ColdStart& early :
       methods_[method].cold_start.CompareTo(methods_[method].trained->Snapshot())) {
    const bool is_near = early.mean_discrepancy < kNear && early.deviation_discrepancy < kNear;
    if (!is_near) tokens.reset();
    if (is_near && !tokens) tokens = static_cast<int64_t>(early.values);
  }
  return ColdStartTime{tokens};
}

std::optional<double> Cell::EffectiveBatchSize(const std::vector<double>& variance) const {
  const auto batches = static_cast<double>(batches_);
  double spread = 0;
  double channels = 0;
  for (size_t c = 0; c < variance.size(); ++c) {
    if (variance[c] <= 0) continue;
    spread += means_.m2[c] / batches / variance[c];
    ++channels;
  }
  if (batches_ < 2 || spread <= 0) return std::nullopt;
  return channels / spread * (1 - 1 / batches);
}

CellReport Cell::Result(StopRequest& stop) const {
  CellReport result = report_;
  result.batches = batches_;
  if (batches_ == 0) return result;
  const auto batches = static_cast<double>(batches_);
  result.mean_batch_size = tokens_ / batches;
  result.usual_batch_size = UsualBatchSize();
  result.batches_with_outputs = batches_with_outputs_;
  std::vector<double> variance = whole_->m2;
  for (double& value : variance) value /= whole_->count;
  result.effective_batch_size = EffectiveBatchSize(variance);
  for (const Method& method : methods_) {
    CellMethod& to = result.methods.emplace_back();
    to.output_gap = method.gaps.Result();
    if (!method.discrepancies || stop.IsMade()) continue;
    to.discrepancies.emplace();
    method.discrepancies->Summarize(variance, *to.discrepancies);
    final_->Summarize(*to.discrepancies);
  }
  return result;
}

}  // namespace normd
