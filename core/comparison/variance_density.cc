#include "core/comparison/variance_density.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

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

// How wide the narrowest feature of the density is, in log S. A few degrees of freedom of large
// scale begin with an edge, where the sum of the other terms is, and as wide as that; unless S is
// hardly ever so small.
double FeatureWidth(const VarianceLaw& law) {
  constexpr double kSmooth = 16;
  constexpr double kRare = 1e-8;
  double width = std::sqrt(law.variance()) / law.mean();
  double degrees = 0;
  double mean = law.mean();
  double variance = law.variance();
  for (size_t i = 0; i + 1 < law.terms().size(); ++i) {
    const ScaledChiSquare& term = law.terms()[i];
    degrees += term.degrees;
    mean -= term.mean;
    variance -= term.mean * term.scale();
    if (degrees >= kSmooth || std::pow(mean / law.mean(), degrees / 2) < kRare) break;
    width = std::min(width, std::sqrt(variance) / mean);
  }
  return width;
}

// S is smaller with a probability below e^-38, by Chernoff's bound exp(t s) E exp(-t S), which is
// least for s = sum of mean / (1 + scale t).
double Begin(const VarianceLaw& law) {
  constexpr double kNegligible = -38;
  constexpr double kGrowth = 1.15;
  for (double t = 1 / std::sqrt(law.variance());; t *= kGrowth) {
    double s = 0;
    double log_bound = 0;
    for (const ScaledChiSquare& term : law.terms()) {
      s += term.mean / (1 + term.scale() * t);
      log_bound -= term.degrees / 2 * std::log1p(term.scale() * t);
    }
    if (log_bound + t * s < kNegligible) return s;
  }
}

// Collects nodes until they do not matter.
class NodeSum {
 public:
  // Whether this one, at `growth` times the mean, still matters.
  bool Add(const VarianceNode& node, double growth) {
    constexpr double kNegligible = 1e-15;
    if (node.mass <= kNegligible * sum_ * std::sqrt(growth)) return false;
    nodes_.push_back(node);
    sum_ += node.mass;
    return true;
  }

  std::vector<VarianceNode> Normalized() && {
    for (VarianceNode& node : nodes_) node.mass /= sum_;
    return std::move(nodes_);
  }

 private:
  std::vector<VarianceNode> nodes_;
  double sum_ = 0;
};

}  // namespace

VarianceDensity::VarianceDensity(const VarianceLaw& law)
    : mean_(law.mean()), width_(FeatureWidth(law)), begin_(Begin(law)) {
  const double scale = law.terms().front().scale();
  const double deviation = std::sqrt(law.variance());
  has_one_width_ = width_ > deviation / mean_ / 2;
  end_ = mean_ + 10 * deviation + 40 * scale;
  AddPath(law, std::min(1 / scale, 3.5 / deviation));
}

void VarianceDensity::AddPath(const VarianceLaw& law, double size) {
  constexpr double kStep = 0.06;
  constexpr double kEnd = 50;
  constexpr double kNegligible = 1e-17;
  constexpr double kAngle = 0.4;  // between its asymptote and the vertical
  constexpr std::complex<double> kTurn(0, 1);
  for (int i = 0; i * kStep < kEnd; ++i) {
    const std::complex<double> z(kAngle, -i * kStep);
    const std::complex<double> exponent = size * (std::sin(kAngle) - std::sin(z));
    const std::complex<double> slope = size * kTurn * std::cos(z);
    const double width = (i == 0 ? 0.5 : 1) * kStep / std::numbers::pi;
    path_.push_back(
        {.exponent = exponent, .weight = Laplace(law, begin_, exponent) * slope * width});
    if (std::abs(path_.back().weight) < kNegligible * std::abs(path_.front().weight)) break;
  }
}

double VarianceDensity::At(double s) const {
  constexpr double kNegligible = -45;
  if (s <= begin_ || s >= end_) return 0;
  double sum = 0;
  for (const PathNode& node : path_) {
    const double log_size = node.exponent.real() * (s - begin_);
    if (log_size < kNegligible) break;
    const double angle = node.exponent.imag() * (s - begin_);
    sum += std::exp(log_size) *
           (node.weight.imag() * std::cos(angle) + node.weight.real() * std::sin(angle));
  }
  return sum;
}

std::vector<VarianceNode> VarianceDensity::Nodes(double kink, double width) const {
  NodeSum sum;
  const auto add = [&](double log_growth, double step) {
    const double growth = std::exp(log_growth);
    const double s = mean_ * growth;
    return sum.Add({.variance = s, .mass = At(s) * s * step}, growth);
  };
  constexpr double kNarrow = 1.0 / 8;
  constexpr double kFar = 4;
  const double begin = std::log(kink / mean_);
  if (has_one_width_ && width < kNarrow * width_ && std::fabs(begin) < kFar * width_) {
    for (const double direction : {1, -1}) {
      ForEachHalfLineNode([&](double x, double step) {
        const double log_growth = begin + direction * std::min(1.0, width_) * x;
        return add(log_growth, step) || direction * log_growth < 0;
      });
    }
  } else {
    const double step = std::min(0.25, 0.65 / std::hypot(1 / width_, 1 / width));
    for (int i = 0; add(i * step, 1);) ++i;
    for (int i = -1; add(i * step, 1);) --i;
  }
  return std::move(sum).Normalized();
}

}  // namespace normd
