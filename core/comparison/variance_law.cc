#include "core/comparison/variance_law.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/comparison/half_line.h"

namespace normd {
namespace {

constexpr double kNegligibleVariance = 1e-7;

// log E exp(-t S).
double LogLaplace(const std::vector<ScaledChiSquare>& terms, double t) {
  double sum = 0;
  for (const ScaledChiSquare& term : terms) {
    sum -=
        std::isinf(term.degrees) ? term.mean * t : term.degrees / 2 * std::log1p(term.scale() * t);
  }
  return sum;
}

// To rounding.
bool SameScale(const ScaledChiSquare& a, const ScaledChiSquare& b) {
  return std::fabs(a.scale() - b.scale()) <= 1e-14 * a.scale();
}

ScaledChiSquare WithMoments(double mean, double variance) {
  return {.mean = mean, .degrees = 2 * mean * mean / variance};
}

}  // namespace

VarianceLaw::VarianceLaw(std::vector<ScaledChiSquare> terms) {
  std::erase_if(terms, [](const auto& term) { return term.degrees <= 0 || term.mean <= 0; });
  std::sort(terms.begin(), terms.end(),
            [](const auto& a, const auto& b) { return a.scale() > b.scale(); });
  for (const ScaledChiSquare& term : terms) {
    degrees_ += term.degrees;
    mean_ += term.mean;
    variance_ += term.mean * term.scale();
  }
  double mean_left = mean_;
  double variance_left = variance_;
  for (const ScaledChiSquare& term : terms) {
    if (variance_left < kNegligibleVariance * variance_) {
      terms_.push_back(WithMoments(mean_left, variance_left));
      break;
    }
    mean_left -= term.mean;
    variance_left -= term.mean * term.scale();
    if (!terms_.empty() && SameScale(terms_.back(), term)) {
      terms_.back().mean += term.mean;
      terms_.back().degrees += term.degrees;
    } else {
      terms_.push_back(term);
    }
  }
}

double VarianceLaw::InverseMoment(double power) const {
  constexpr double kNegligible = 1e-14;
  constexpr double kLargestGamma = 340;  // degrees
  if (degrees_ <= 2 * power) return std::numeric_limits<double>::infinity();
  if (terms_.size() == 1 && degrees_ < kLargestGamma) {
    const double shape = degrees_ / 2;
    return std::tgamma(shape - power) / std::tgamma(shape) /
           std::pow(terms_.front().scale(), power);
  }
  double sum = 0;
  ForEachHalfLineNode([&](double x, double width) {
    const double t = (power == 1 ? x : x * x) / mean_;  // on the scale of 1
    const double part = std::exp(LogLaplace(terms_, t)) * width;
    sum += part;
    return part > kNegligible * sum;
  });
  return sum / (std::pow(mean_, power) * std::tgamma(power + 1));
}

ScaledChiSquare SampleVariance(double n, double weight, bool unbiased) {
  return {.mean = weight * (unbiased ? 1 : 1 - 1 / n), .degrees = n - 1};
}

}  // namespace normd
