// The law of a batch's deviation over that of a reference.
#ifndef NORMD_CORE_COMPARISON_DEVIATION_RATIO_H_
#define NORMD_CORE_COMPARISON_DEVIATION_RATIO_H_

#include <vector>

#include "core/comparison/variance_law.h"

namespace normd {

struct RatioNode {
  double ratio = 0;
  double mass = 0;
};

// A quadrature rule for expectations over r = s_B / s, where s_B^2 = chi2_{n-1} / n, n >= 2, and
// s^2 follows `reference`, independently and with a degree of freedom at least. The masses add
// to 1. For functions that are smooth but at r = `kink`, and grow no faster than r or 1 / r (where
// that has an expectation), relative error below 1e-8.
//
// With t = n r^2 / 2, the density of log r is proportional to r^(n-1) E[s^(n-1) exp(-t s^2)].
//  - Where `reference` is one chi-square, of k degrees and scale b, that is
//    r^(n-1) (t + 1 / b)^(-(n+k-1)/2).
//  - Else the power of s is written as a contour integral, which brings in the Laplace transform L
//    of s^2: E[s^(n-1) exp(-t s^2)] is proportional to the integral of z^(-(n+1)/2) L(t - z) over z
//    on a vertical line between 0 and the first singularity of L(t - z), here through
//    t + min(4, 1 / (2 b)), b the largest scale. So L is needed on one line only, for any r. The
//    integral is the trapezoidal rule after z = t + ... + i c sinh(x).
std::vector<RatioNode> RatioNodes(double n, const VarianceLaw& reference, double kink);

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_DEVIATION_RATIO_H_
