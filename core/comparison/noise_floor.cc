#include "core/comparison/noise_floor.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "core/comparison/deviation_ratio.h"
#include "core/comparison/variance_law.h"

namespace normd {
namespace {

// E |z|, normally distributed.
const double kMeanMagnitude = std::sqrt(2 / std::numbers::pi);

std::optional<double> IfFinite(double value) {
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

void SetBefore(double n, double mean_variance, const VarianceLaw& reference,
               DiscrepancyFloors& floors) {
  const double mean_deviation = std::sqrt(1 / n + mean_variance);
  floors.renorm_d = IfFinite(kMeanMagnitude * mean_deviation * reference.InverseMoment(0.5));
  floors.powernorm_mean = mean_deviation;
  floors.powernorm_relative = IfFinite(mean_deviation * std::sqrt(reference.InverseMoment(1)));
  if (n < 2) return;
  const VarianceLaw batch({SampleVariance(n)});
  floors.powernorm_variance = std::hypot(std::sqrt(batch.variance() + reference.variance()),
                                         batch.mean() - reference.mean());
}

void SetAfter(double n, const DeviationRatio& before, const Update& update,
              DiscrepancyFloors& floors) {
  const DeviationFloors after = AfterUpdate(before, update);
  floors.tid_deviation_by_running = after.by_running;
  if (n > 2) floors.tid_deviation_by_batch = after.by_batch;
}

// E |m' - m_B| / s_B.
std::optional<double> MeanByBatch(double n, double mean_variance, double old_share) {
  return IfFinite(kMeanMagnitude * old_share * std::sqrt(1 / n + mean_variance) *
                  VarianceLaw({SampleVariance(n)}).InverseMoment(0.5));
}

// E |m' - m_B| / s' where they are those of m + n values, and the batch's n among them.
double MeanByPooled(double n, double m) {
  const double old_share = std::isinf(m) ? 1 : m / (m + n);
  const VarianceLaw all({{.mean = 1, .degrees = m + n}});
  return kMeanMagnitude * std::sqrt(old_share / n) * all.InverseMoment(0.5);
}

// Beside the variance of m values and the distance of the batch's mean from theirs.
DeviationRatio WithDistance(double n, double m) {
  return DeviationRatio(n, VarianceLaw({{.mean = 1, .degrees = m}}));
}

Update PooledUpdate(double n, double m) {
  return {.old_share = std::isinf(m) ? 1 : m / (m + n), .new_share = n / (m + n)};
}

struct AveragedLaw {
  double mean_variance = 0;
  std::vector<ScaledChiSquare> terms;
};

AveragedLaw LawOf(const AveragedReference& reference) {
  AveragedLaw law;
  for (size_t i = 0; i < reference.counts.size(); ++i) {
    const double weight = reference.weights[i];
    const double count = reference.counts[i];
    law.mean_variance += weight * weight / count;
    law.terms.push_back(SampleVariance(count, weight, reference.unbiased));
  }
  return law;
}

}  // namespace

double MeanNoiseFloor(double n, double m) { return kMeanMagnitude * std::sqrt(1 / n + 1 / m); }

double PrefixMeanNoiseFloor(double n, double m) {
  return kMeanMagnitude * std::sqrt(std::max(0.0, 1 / n - 1 / m));
}

double DeviationNoiseFloor(double n, double m) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (m < 2) return kInfinity;
  if (n < 2) return 1;
  if (m < 3) return kInfinity;
  return RatioDistance(DeviationRatio(n, VarianceLaw({SampleVariance(m)})));
}

DiscrepancyFloors NoiseFloors(double n, const PooledReference& reference) {
  const double m = reference.count;
  const Update update = PooledUpdate(n, m);
  DiscrepancyFloors floors;
  SetBefore(n, 1 / m, VarianceLaw({SampleVariance(m)}), floors);
  if (n > 1) {
    floors.renorm_r = IfFinite(DeviationNoiseFloor(n, m));
    SetAfter(n, WithDistance(n, m), update, floors);
  }
  floors.tid_mean_by_batch = MeanByBatch(n, 1 / m, update.old_share);
  floors.tid_mean_by_running = MeanByPooled(n, m);
  return floors;
}

DiscrepancyFloors NoiseFloors(double n, const AveragedReference& reference, double new_weight) {
  auto [mean_variance, terms] = LawOf(reference);
  const ScaledChiSquare batch = SampleVariance(n, new_weight, reference.unbiased);
  const double correction = reference.unbiased && n > 1 ? n / (n - 1) : 1;
  const Update update{.old_share = 1 - new_weight, .new_share = new_weight * correction};
  DiscrepancyFloors floors;
  const VarianceLaw before(terms);
  SetBefore(n, mean_variance, before, floors);
  if (n > 1 && before.degrees() > 1) {
    const DeviationRatio ratio(n, before);
    floors.renorm_r = RatioDistance(ratio);
    SetAfter(n, ratio, update, floors);
  }
  floors.tid_mean_by_batch = MeanByBatch(n, mean_variance, update.old_share);
  for (ScaledChiSquare& term : terms) term.mean *= update.old_share;
  terms.push_back(batch);
  floors.tid_mean_by_running =
      IfFinite(kMeanMagnitude * update.old_share * std::sqrt(1 / n + mean_variance) *
               VarianceLaw(std::move(terms)).InverseMoment(0.5));
  return floors;
}

FinalFloors NoiseFloors(double n, const WholeReference& reference) {
  const double others = reference.count - n;
  if (reference.count < 2) return {};
  FinalFloors floors;
  floors.mean = others > 0 ? MeanByPooled(n, others) : 0;
  if (n < 2) return floors;
  floors.deviation =
      others > 0 ? AfterUpdate(WithDistance(n, others), PooledUpdate(n, others)).by_running : 0;
  return floors;
}

}  // namespace normd
