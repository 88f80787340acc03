#include "core/comparison/noise_floor.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace normd {
namespace {

constexpr double kManyValues = 2e6;

// The density of u = log r, up to a factor, for r^2 = (chi2_{n-1} / n) / (chi2_{m-1} / m): it has
// one mode, and falls off exponentially or faster on both sides.
class LogRatioDensity {
 public:
  LogRatioDensity(double n, double m) : n_(n), m_(m) {
    const double square = std::isinf(m) ? (n - 1) / n : (n - 1) / n * (m / (m - 1));
    log_mode_ = Log(std::log(square) / 2);
  }

  double At(double u) const { return std::exp(Log(u) - log_mode_); }

  // How far from 0 in that direction (1, -1) the density times e^u matters.
  double Reach(double direction) const {
    double reach = 1 / std::sqrt(n_);
    while (Log(direction * reach) + direction * reach - log_mode_ > kNegligible) reach *= 1.5;
    return reach;
  }

 private:
  static constexpr double kNegligible = -45;  // e^-45 = 3e-20

  double Log(double u) const {
    const double square = std::exp(2 * u);
    const double decay =
        std::isinf(m_) ? n_ * square : (n_ + m_ - 2) * std::log1p(n_ / m_ * square);
    return (n_ - 1) * u - decay / 2;
  }

  double n_;
  double m_;
  double log_mode_ = 0;
};

// The integrals of the density, and of the density times |e^u - 1|.
struct Integrals {
  double mass = 0;
  double deviation = 0;
};

// Adds those from 0 to `end`, by tanh-sinh quadrature (Takahasi and Mori 1974).
void Integrate(const LogRatioDensity& density, double end, Integrals& sums) {
  constexpr double kStep = 1.0 / 16;
  constexpr int kSteps = 52;  // the weights beyond are below 1e-16
  for (int i = -kSteps; i <= kSteps; ++i) {
    const double t = i * kStep;
    const double s = std::numbers::pi / 2 * std::sinh(t);
    const double u = end / (1 + std::exp(-2 * s));
    const double weight =
        std::numbers::pi / 4 * kStep * std::cosh(t) / (std::cosh(s) * std::cosh(s));
    const double mass = std::fabs(end) * weight * density.At(u);
    sums.mass += mass;
    sums.deviation += mass * std::fabs(std::expm1(u));
  }
}

}  // namespace

double MeanNoiseFloor(double n, double m) {
  return std::sqrt(2 / std::numbers::pi * (1 / n + 1 / m));
}

double PrefixMeanNoiseFloor(double n, double m) {
  return std::sqrt(2 / std::numbers::pi * std::max(0.0, 1 / n - 1 / m));
}

double DeviationNoiseFloor(double n, double m) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (m < 2) return kInfinity;
  if (n < 2) return 1;
  if (m < 3) return kInfinity;
  if (std::min(n, m) >= kManyValues) return std::sqrt((1 / n + 1 / m) / std::numbers::pi);
  const LogRatioDensity density(n, m);
  Integrals sums;
  Integrate(density, density.Reach(1), sums);
  Integrate(density, -density.Reach(-1), sums);
  return sums.deviation / sums.mass;
}

}  // namespace normd
