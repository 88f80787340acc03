// The density of an estimated variance, and a quadrature rule for expectations over it.
#ifndef NORMD_CORE_COMPARISON_VARIANCE_DENSITY_H_
#define NORMD_CORE_COMPARISON_VARIANCE_DENSITY_H_

#include <complex>
#include <vector>

#include "core/comparison/variance_law.h"

namespace normd {

struct VarianceNode {
  double variance = 0;
  double mass = 0;
};

// By the inverse Laplace transform: 1 / (2 pi i) times the integral of exp(p s) E exp(-p S) over p.
// All singularities of E exp(-p S) are real, at p = -1 / scale of each term. The path is a branch
// of a hyperbola through 0 that bends around them, as Weideman and Trefethen's (2007), so that
// exp(p s) falls off along it and the trapezoidal rule converges geometrically. Every s has the
// same nodes.
class VarianceDensity {
 public:
  // Of a law with a degree of freedom at least, none of whose terms has infinitely many.
  explicit VarianceDensity(const VarianceLaw& law);

  // Absolute error below 1e-12 of the largest value.
  double At(double s) const;

  // A quadrature rule for E f(S), where f(S) grows no faster than S or 1 / sqrt(S), and has a kink
  // at `kink` that is smoothed on the scale of `width` in log S. The masses add to 1. Relative
  // error about 1e-8; up to 5e-6 where `width` is less than a tenth of the density's, or where one
  // term's scale is far above the others'. There are as many as its narrowest feature, or `width`,
  // has room in its range.
  std::vector<VarianceNode> Nodes(double kink, double width) const;

 private:
  struct PathNode {
    std::complex<double> exponent;  // p
    std::complex<double> weight;    // E exp(-p (S - begin_)), times the width of its step
  };

  void AddPath(const VarianceLaw& law, double size);

  double mean_;
  double width_;        // of its narrowest feature, in log S
  bool has_one_width_;  // it is about as wide as that
  // Outside of this range it is 0, to within its error.
  double begin_;
  double end_;
  std::vector<PathNode> path_;
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_VARIANCE_DENSITY_H_
