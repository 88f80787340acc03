#include "core/comparison/variance_density.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/comparison/half_line.h"

namespace normd {
namespace {

// E exp(-p (S - begin)).
std::complex<double> Laplace(const VarianceLaw& law, double begin, std::complex<double> p) {
  double log_size = p.real() * begin;
  double angle = p.imag() * begin;
  for (const ScaledChiSquare& term : law.terms()) {
    const double real = 1 + term.scale() * p.real();
    const double imaginary = term.scale() * p.imag();
    log_size -= term.degrees / 4 * std::log(real * real + imaginary * imaginary);
    angle -= term.degrees / 2 * std::atan2(imaginary, real);
  }
  return std::polar(std::exp(log_size), angle);
}

// How wide the narrowest feature of the density is, relative to its mean: a term of few degrees
// begins with an edge, where the sum of the others, if it is most of the whole, is as wide as that.
double SmoothWidth(const VarianceLaw& law) {
  constexpr double kSmooth = 16;
  double degrees = 0;
  double mean = 0;
  double variance = 0;
  for (const ScaledChiSquare& term : law.terms()) {
    degrees += term.degrees;
    if (degrees < kSmooth) continue;
    mean += term.mean;
    variance += term.mean * term.scale();
  }
  return std::sqrt(mean > law.mean() / 2 ? variance : law.variance()) / law.mean();
}

}  // namespace

VarianceDensity::VarianceDensity(const VarianceLaw& law) {
  constexpr double kStep = 0.06;
  constexpr double kEnd = 50;
  constexpr double kNegligible = 1e-17;
  constexpr double kAngle = 0.4;
  constexpr std::complex<double> kTurn(0, 1);
  const double scale = law.terms().front().scale();
  const double deviation = std::sqrt(law.variance());
  begin_ = std::max(0.0, law.mean() - 12 * deviation);
  end_ = law.mean() + 10 * deviation + 40 * scale;
  const double size = std::min(1 / scale, 3.5 / deviation);
  for (double t = 0; t < kEnd; t += kStep) {
    const std::complex<double> z(kAngle, -t);
    const std::complex<double> exponent = size * (std::sin(kAngle) - std::sin(z));
    const std::complex<double> slope = size * kTurn * std::cos(z);
    const double width = (t == 0 ? 0.5 : 1) * kStep / std::numbers::pi;
    nodes_.push_back({exponent, Laplace(law, begin_, exponent) * slope * width});
    if (std::abs(nodes_.back().weight) < kNegligible * std::abs(nodes_.front().weight)) break;
  }
}

double VarianceDensity::At(double s) const {
  constexpr double kNegligible = -45;
  double sum = 0;
  for (const Node& node : nodes_) {
    const double log_size = node.exponent.real() * (s - begin_);
    if (log_size < kNegligible) break;
    const double angle = node.exponent.imag() * (s - begin_);
    sum += std::exp(log_size) *
           (node.weight.imag() * std::cos(angle) + node.weight.real() * std::sin(angle));
  }
  return sum;
}

std::vector<VarianceNode> VarianceNodes(const VarianceLaw& law, double kink, double width) {
  constexpr double kNegligible = 1e-15;
  constexpr double kSmallest = 1e-25;
  const VarianceDensity density(law);
  std::vector<VarianceNode> nodes;
  double sum = 0;
  const auto add = [&](double log_growth, double step) {
    const double growth = std::exp(log_growth);
    const double s = law.mean() * growth;
    if (s <= density.begin() || s >= density.end() || growth < kSmallest) return false;
    const double mass = density.At(s) * s * step;
    if (mass <= kNegligible * sum * std::sqrt(growth)) return false;
    nodes.push_back({.variance = s, .mass = mass});
    sum += mass;
    return true;
  };
  constexpr double kSteps = 0.65;
  constexpr double kWide = 8;
  const double own_width = SmoothWidth(law);
  const double begin = std::log(kink / law.mean());
  if (own_width > kWide * width && std::fabs(begin) < 4 * own_width) {
    const double scale = std::min(1.0, own_width);
    for (const double direction : {1, -1}) {
      ForEachHalfLineNode([&](double x, double step) {
        const double log_growth = begin + direction * scale * x;
        return add(log_growth, step) || direction * log_growth < 0;
      });
    }
  } else {
    const double step = std::min(0.25, kSteps / std::hypot(1 / own_width, 1 / width));
    for (int i = 0; add(i * step, 1);) ++i;
    for (int i = -1; add(i * step, 1);) --i;
  }
  for (VarianceNode& node : nodes) node.mass /= sum;
  return nodes;
}

}  // namespace normd
