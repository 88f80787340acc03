#include "core/comparison/deviation_ratio.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/comparison/half_line.h"

namespace normd {
namespace {

// The density of u = log r for a reference of one chi-square, relative to its mode.
class LogRatioDensity {
 public:
  LogRatioDensity(double n, const ScaledChiSquare& reference)
      : degrees_(n - 1),
        exponent_((n - 1 + reference.degrees) / 2),
        share_(reference.scale() / (reference.scale() + 2 / n)),
        limit_(n * reference.mean / 2),
        width_(std::sqrt(1 / degrees_ + 1 / reference.degrees) / std::numbers::sqrt2),
        mode_(std::log(degrees_ / n / reference.mean) / 2),
        log_mode_(Log(mode_)) {}

  double LogAt(double u) const { return Log(u) - log_mode_; }
  double mode() const { return mode_; }
  double width() const { return width_; }

 private:
  double Log(double u) const {
    const double growth = std::expm1(2 * u);
    const double decay =
        std::isinf(exponent_) ? limit_ * growth : exponent_ * std::log1p(share_ * growth);
    return degrees_ * u - decay;
  }

  double degrees_;
  double exponent_;
  double share_;
  double limit_;  // exponent_ * share_, for infinite degrees
  double width_;
  double mode_;
  double log_mode_;
};

// Adds the nodes for a reference of one chi-square, which add to `mass`.
void AddNodes(const LogRatioDensity& density, double kink, double mass,
              std::vector<RatioNode>& nodes) {
  constexpr double kNegligible = -50;
  // Farther out the kink does not matter, and the nodes would be too wide for the density.
  constexpr double kFar = 6.5;
  const double log_kink = std::log(kink);
  const bool far = std::fabs(log_kink - density.mode()) > kFar * density.width();
  const double begin = far ? density.mode() : log_kink;
  const size_t first = nodes.size();
  double sum = 0;
  for (const double direction : {1, -1}) {
    ForEachHalfLineNode([&](double x, double step) {
      const double u = begin + direction * density.width() * x;
      const double log_density = density.LogAt(u);
      if (log_density < kNegligible) return direction * (u - density.mode()) < 0;
      nodes.push_back({.ratio = std::exp(u), .mass = std::exp(log_density) * step});
      sum += nodes.back().mass;
      return true;
    });
  }
  for (size_t i = first; i < nodes.size(); ++i) nodes[i].mass *= mass / sum;
}

}  // namespace

DeviationRatio::DeviationRatio(double n, const VarianceLaw& reference)
    : n_(n), reference_(reference.terms().front()) {
  if (reference.terms().size() > 1) mixing_.emplace(reference);
}

std::vector<RatioNode> DeviationRatio::Nodes(double kink) const {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::vector<RatioNode> nodes;
  if (!mixing_) {
    AddNodes(LogRatioDensity(n_, reference_), kink, 1, nodes);
    return nodes;
  }
  const double width = std::sqrt(2 / (n_ - 1));
  for (const auto& [variance, mass] : mixing_->Nodes((n_ - 1) / n_ / (kink * kink), width)) {
    AddNodes(LogRatioDensity(n_, {.mean = variance, .degrees = kInfinity}), kink, mass, nodes);
  }
  return nodes;
}

double RatioDistance(const DeviationRatio& before) {
  double sum = 0;
  for (const auto& [ratio, mass] : before.Nodes(1)) sum += mass * std::fabs(ratio - 1);
  return sum;
}

DeviationFloors AfterUpdate(const DeviationRatio& before, const Update& update) {
  const bool may_match = update.new_share < 1 && update.old_share > 0;
  const double match = may_match ? std::sqrt(update.old_share / (1 - update.new_share)) : 1;
  DeviationFloors floors;
  for (const auto& [ratio, mass] : before.Nodes(match)) {
    const double inverse = std::sqrt(update.old_share / (ratio * ratio) + update.new_share);
    floors.by_batch += mass * std::fabs(inverse - 1);
    floors.by_running += mass * std::fabs(1 / inverse - 1);
  }
  return floors;
}

}  // namespace normd
