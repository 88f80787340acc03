#include "core/comparison/padding_measure.h"

#include <cmath>
#include <numeric>
#include <utility>

namespace normd {
namespace {

double Average(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

Moments MomentsOf(const Tokens& tokens) {
  Moments result(tokens.channels);
  result.Compute(tokens.data, tokens.layout());
  return result;
}

ChannelCoefficients CoefficientsOf(const ChannelNormalizer& normalizer, const Tokens& tokens) {
  BatchStatistics statistics =
      EmptyBatchStatistics(*normalizer.spec().estimator, normalizer.channels());
  Compute(tokens.data, tokens.layout(), statistics);
  return normalizer.CoefficientsOf(std::move(statistics));
}

}  // namespace

void PaddingMeasure::Add(const Tokens& valid, const Tokens& with_padding) {
  if (valid.count == 0) return;
  const Moments without = MomentsOf(valid);
  const Moments with = MomentsOf(with_padding);
  ++batches_;
  valid_tokens_ += without.count;
  tokens_ += with.count;
  sums_.mean_without += Average(without.mean);
  sums_.mean_with += Average(with.mean);
  sums_.variance_without += Average(without.m2) / without.count;
  sums_.variance_with += Average(with.m2) / with.count;
  if (valid.count < 2) return;
  for (size_t i = 0; i < methods_.size(); ++i) {
    if (methods_[i].channels() != nullptr) AddGap(methods_[i], valid, with_padding, gaps_[i]);
  }
}

void PaddingMeasure::AddGap(const ComparedMethod& method, const Tokens& valid,
                            const Tokens& with_padding, Gap& gap) {
  const ChannelCoefficients by_valid = CoefficientsOf(*method.channels(), valid);
  const ChannelCoefficients by_all = CoefficientsOf(*method.channels(), with_padding);
  without_.resize(valid.count * valid.channels);
  with_.resize(without_.size());
  method.Apply(&by_valid, valid, without_.data());
  method.Apply(&by_all, valid, with_.data());
  for (size_t i = 0; i < without_.size(); ++i) {
    gap.difference_squares += (with_[i] - without_[i]) * (with_[i] - without_[i]);
    gap.squares += without_[i] * without_[i];
  }
}

std::optional<PaddingEffect> PaddingMeasure::Effect() const {
  if (tokens_ == valid_tokens_) return std::nullopt;
  return PaddingEffect{1 - valid_tokens_ / tokens_, sums_.mean_without / batches_,
                       sums_.mean_with / batches_, sums_.variance_without / batches_,
                       sums_.variance_with / batches_};
}

std::optional<double> PaddingMeasure::GapOf(size_t method) const {
  if (tokens_ == valid_tokens_ || !methods_[method].takes_tokens()) return std::nullopt;
  const Gap& gap = gaps_[method];
  return gap.squares > 0 ? std::sqrt(gap.difference_squares / gap.squares) : 0.0;
}

}  // namespace normd
