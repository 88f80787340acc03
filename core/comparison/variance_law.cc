#include "core/comparison/variance_law.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/comparison/half_line.h"

namespace normd {
namespace {

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

}  // namespace

VarianceLaw::VarianceLaw(std::vector<ScaledChiSquare> terms) {
  std::erase_if(terms, [](const auto& term) { return term.degrees <= 0 || term.mean <= 0; });
  std::sort(terms.begin(), terms.end(),
            [](const auto& a, const auto& b) { return a.mean * b.degrees > b.mean * a.degrees; });
  for (const ScaledChiSquare& term : terms) {
    degrees_ += term.degrees;
    mean_ += term.mean;
    variance_ += term.mean * term.scale();
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
  if (degrees_ <= 2 * power) return std::numeric_limits<double>::infinity();
  // On the scale of 1, where nearly all of the integral is.
  const double scale = std::pow(mean_, -power);
  double sum = 0;
  ForEachHalfLineNode([&](double x, double width) {
    const double t = (power == 1 ? x : std::pow(x, 1 / power)) / mean_;
    const double part = std::exp(LogLaplace(terms_, t)) * width;
    sum += part;
    return part > kNegligible * sum;
  });
  return scale * sum / std::tgamma(power + 1);
}

ScaledChiSquare SampleVariance(double n, double weight, bool unbiased) {
  return {.mean = weight * (unbiased ? 1 : 1 - 1 / n), .degrees = n - 1};
}

}  // namespace normd
