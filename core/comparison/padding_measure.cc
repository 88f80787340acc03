#include "core/comparison/padding_measure.h"

#include <cmath>

namespace normd {
namespace {

Moments MomentsOf(const Tokens& tokens) {
  Moments result(tokens.channels);
  result.Compute(tokens.data, tokens.layout());
  return result;
}

}  // namespace

void PaddingMeasure::Add(const Tokens& valid, const Tokens& with_padding) {
  if (valid.count == 0) return;
  const Moments without = MomentsOf(valid);
  const Moments with = MomentsOf(with_padding);
  ++batches_;
  has_padding_ = has_padding_ || with_padding.count > valid.count;
  without_padding_.Add(without);
  with_padding_.Add(with);
  if (valid.count < 2) return;
  for (size_t i = 0; i < methods_.size(); ++i) {
    if (methods_[i].channels() != nullptr) AddGap(methods_[i], valid, with_padding, gaps_[i]);
  }
}

void PaddingMeasure::AddGap(const ComparedMethod& method, const Tokens& valid,
                            const Tokens& with_padding, Gap& gap) {
  const ChannelCoefficients by_valid =
      method.channels()->CoefficientsOf(method.StatisticsOf(valid));
  const ChannelCoefficients by_all =
      method.channels()->CoefficientsOf(method.StatisticsOf(with_padding));
  without_.resize(valid.count * valid.channels);
  with_.resize(without_.size());
  method.Apply(&by_valid, valid, without_.data());
  method.Apply(&by_all, valid, with_.data());
  for (size_t i = 0; i < without_.size(); ++i) {
    gap.difference_squares += (with_[i] - without_[i]) * (with_[i] - without_[i]);
    gap.squares += without_[i] * without_[i];
  }
}

void PaddingMeasure::Sums::Add(const Moments& batch) {
  mean.resize(batch.mean.size());
  variance.resize(batch.mean.size());
  for (size_t c = 0; c < mean.size(); ++c) {
    mean[c] += batch.mean[c];
    variance[c] += batch.m2[c] / batch.count;
  }
}

std::optional<PaddingEffect> PaddingMeasure::Effect(const Moments& whole) const {
  if (!has_padding_) return std::nullopt;
  const auto average = [&](const std::vector<double>& sums) {
    double sum = 0;
    double channels = 0;
    for (size_t c = 0; c < sums.size(); ++c) {
      if (whole.m2[c] <= 0) continue;
      sum += sums[c] / batches_;
      ++channels;
    }
    return channels > 0 ? sum / channels : 0;
  };
  PaddingEffect effect;
  effect.mean_without = average(without_padding_.mean);
  effect.mean_with = average(with_padding_.mean);
  effect.variance_without = average(without_padding_.variance);
  effect.variance_with = average(with_padding_.variance);
  return effect;
}

std::optional<double> PaddingMeasure::GapOf(size_t method) const {
  if (!has_padding_ || !methods_[method].takes_tokens()) return std::nullopt;
  const Gap& gap = gaps_[method];
  return gap.squares > 0 ? std::sqrt(gap.difference_squares / gap.squares) : 0.0;
}

}  // namespace normd
