// Noise floors beside exponentially weighted tokens, whose mean and variance depend on one another.
// Means are by 1 / s = 2 / sqrt(pi) * the integral of exp(-y^2 s^2) over y > 0, and 1 / s^2 = that
// of exp(-t s^2) over t > 0: see WeightedVarianceLaw for what is under the integrals.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <vector>

#include "core/comparison/deviation_ratio.h"
#include "core/comparison/half_line.h"
#include "core/comparison/noise_floor.h"
#include "core/comparison/token_weights.h"

namespace normd {
namespace {

using Groups = std::vector<TokenGroup>;

template <typename Function>
double OverHalfLine(const Function& function) {
  constexpr double kNegligible = 1e-14;
  double sum = 0;
  ForEachHalfLineNode([&](double x, double width) {
    const double part = function(x) * width;
    sum += part;
    return part > kNegligible * sum;
  });
  return sum;
}

// E |c' x| / s where square(t) is c' (I + 2 t A)^-1 c / det(I + 2 t A).
template <typename Square>
double MeanOverDeviation(const Square& square) {
  const double factor = 2 * std::numbers::sqrt2 / std::numbers::pi;
  return factor * OverHalfLine([&](double y) { return std::sqrt(square(y * y)); });
}

// At some t, of all tokens of a weighted variance.
struct Determinant {
  double log_product = 0;  // of 1 + 2 t w
  double q = 0;            // sum w / (1 + 2 t w)

  void Add(const Groups& groups, double t) {
    for (const auto& [weight, count, variance] : groups) {
      log_product += count * std::log1p(2 * t * weight);
      q += count * weight / (1 + 2 * t * weight);
    }
  }
  double inverse() const { return std::exp(-log_product) / q; }
};

// sum w^power.
double PowerSum(const Groups& groups, double power) {
  double sum = 0;
  for (const TokenGroup& group : groups) sum += group.count * std::pow(group.weight, power);
  return sum;
}

// Statistics of `old` tokens, and after n more, `batch`: the weights after them add to 1.
class TokenAverage {
 public:
  TokenAverage(double n, const TokenAveragedReference& reference)
      : n_(n),
        before_(ExponentialWeights(reference.alpha, 0, reference.count)),
        batch_(ExponentialWeights(reference.alpha, 0, n)),
        old_(ExponentialWeights(reference.alpha, n, n + reference.count)) {
    DivideWeights(SumOfWeights(before_), before_);
    const double sum = SumOfWeights(batch_) + SumOfWeights(old_);
    DivideWeights(sum, batch_);
    DivideWeights(sum, old_);
    new_share_ = SumOfWeights(batch_);
  }

  // E ((m_B - m) / s)^2 before the batch: of c = -w, c' (I + 2 t A)^-1 c = (1 / q - 1) / (2 t).
  double SquareBefore() const {
    return OverHalfLine([&](double t) {
      const auto [square, inverse] = DistanceBefore(t);
      return square * std::sqrt(inverse);
    });
  }
  // E |m_B - m| / s.
  double MeanBefore() const {
    return MeanOverDeviation([&](double t) {
      const auto [square, inverse] = DistanceBefore(t);
      return square * inverse;
    });
  }
  // E |m' - m_B| / s'.
  double MeanByRunning() const {
    return MeanOverDeviation([&](double t) {
      Determinant all;
      all.Add(old_, t);
      all.Add(batch_, t);
      double square = 0;   // c' D c, where D = 1 / (1 + 2 t w)
      double product = 0;  // w' D c
      for (const auto& [weight, count, variance] : old_) {
        const double share = count * weight * weight / (1 + 2 * t * weight);
        square += share;
        product += share;
      }
      for (const auto& [weight, count, variance] : batch_) {
        const double share = count * (weight - 1 / n_) / (1 + 2 * t * weight);
        square += share * (weight - 1 / n_);
        product += share * weight;
      }
      return (square + 2 * t * product * product / all.q) * all.inverse();
    });
  }
  // E |m' - m_B| / s_B.
  double MeanByBatch() const {
    const double along = (1 - new_share_) * (1 - new_share_) / n_;
    double across = -along;
    for (const auto& [weight, count, variance] : batch_) {
      across += count * (weight - 1 / n_) * (weight - 1 / n_);
    }
    const double known = PowerSum(old_, 2) + along;
    return MeanOverDeviation([&](double t) {
      const double growth = 1 + 2 * t / n_;
      return (known + std::max(0.0, across) / growth) * std::pow(growth, 1 - n_);
    });
  }

  double MeanVariance() const { return PowerSum(before_, 2); }
  // E (s_B^2 - s^2)^2.
  double VarianceDistance() const {
    const double squares = PowerSum(before_, 2);
    const double variance = 2 * (squares - 2 * PowerSum(before_, 3) + squares * squares);
    const VarianceLaw batch({SampleVariance(n_)});
    const double bias = squares - 1 / n_;
    return variance + batch.variance() + bias * bias;
  }

  double RatioBefore() const {
    return RatioDistance(DeviationRatio(n_, WeightedVarianceLaw(before_)));
  }
  // As though all of the batch weighed the same: s'^2 = X + new_share * s_B^2, where X is the
  // weighted variance of the old tokens and the batch's mean.
  DeviationFloors RatioAfter() const {
    Groups others = old_;
    others.push_back({.weight = new_share_, .count = 1, .variance = 1 / n_});
    return AfterUpdate(DeviationRatio(n_, WeightedVarianceLaw(std::move(others))),
                       {.old_share = 1, .new_share = new_share_});
  }

 private:
  struct Distance {
    double square = 0;   // c' (I + 2 t A)^-1 c
    double inverse = 0;  // 1 / det(I + 2 t A)
  };
  Distance DistanceBefore(double t) const {
    Determinant all;
    all.Add(before_, t);
    double squares = 0;
    for (const auto& [weight, count, variance] : before_) {
      squares += count * weight * weight / (1 + 2 * t * weight);
    }
    return {.square = 1 / n_ + squares / all.q, .inverse = all.inverse()};
  }

  double n_;
  Groups before_;
  Groups batch_;
  Groups old_;
  double new_share_ = 0;
};

}  // namespace

DiscrepancyFloors NoiseFloors(double n, const TokenAveragedReference& reference) {
  constexpr double kAlike = 0.5;  // n * alpha up to which a batch's weights are
  const TokenAverage average(n, reference);
  DiscrepancyFloors floors;
  floors.powernorm_mean = std::sqrt(1 / n + average.MeanVariance());
  if (n > 1) floors.powernorm_variance = std::sqrt(average.VarianceDistance());
  if (n > 2) floors.tid_mean_by_batch = average.MeanByBatch();
  if (reference.alpha == 1) return floors;  // of one token alone
  if (reference.count > 2) floors.renorm_d = average.MeanBefore();
  if (reference.count > 3) floors.powernorm_relative = std::sqrt(average.SquareBefore());
  if (n + reference.count > 2) floors.tid_mean_by_running = average.MeanByRunning();
  if (n < 2 || reference.count < 3) return floors;
  floors.renorm_r = average.RatioBefore();
  if (n * reference.alpha > kAlike) return floors;
  const DeviationFloors after = average.RatioAfter();
  floors.tid_deviation_by_running = after.by_running;
  if (n > 2) floors.tid_deviation_by_batch = after.by_batch;
  return floors;
}

}  // namespace normd
