// The density of an estimated variance, and a quadrature rule for expectations over it.
#ifndef NORMD_CORE_COMPARISON_VARIANCE_DENSITY_H_
#define NORMD_CORE_COMPARISON_VARIANCE_DENSITY_H_

#include <complex>
#include <vector>

#include "core/comparison/variance_law.h"

namespace normd {

// By the inverse Laplace transform: 1 / (2 pi i) times the integral of exp(p s) E exp(-p S) over p.
// All singularities of E exp(-p S) are real, at p = -1 / scale of each term. The path is a branch
// of a hyperbola through 0 that bends around them, as Weideman and Trefethen's (2007), so that
// exp(p s) falls off along it and the trapezoidal rule converges geometrically. Every s has the
// same nodes.
class VarianceDensity {
 public:
  explicit VarianceDensity(const VarianceLaw& law);

  // From here to `end()` it may differ from 0 by more than it errs: 1e-14 of the largest value.
  double begin() const { return begin_; }
  double end() const { return end_; }

  // For s in that range.
  double At(double s) const;

 private:
  struct Node {
    std::complex<double> exponent;  // p
    std::complex<double> weight;    // E exp(-p (S - begin))
  };

  double begin_ = 0;
  double end_ = 0;
  std::vector<Node> nodes_;
};

struct VarianceNode {
  double variance = 0;
  double mass = 0;
};

// A quadrature rule for E f(S), for functions of log S that vary on the scale of `width` and grow
// no faster than S or 1 / sqrt(S). The masses add to 1. The number of nodes is proportional to the
// law's relative width over the smaller of it and `width`. Relative error below 1e-8.
std::vector<VarianceNode> VarianceNodes(const VarianceLaw& law, double kink, double width);

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_VARIANCE_DENSITY_H_
