// The law of a batch's deviation over that of a reference.
#ifndef NORMD_CORE_COMPARISON_DEVIATION_RATIO_H_
#define NORMD_CORE_COMPARISON_DEVIATION_RATIO_H_

#include <optional>
#include <vector>

#include "core/comparison/variance_density.h"
#include "core/comparison/variance_law.h"

namespace normd {

struct RatioNode {
  double ratio = 0;
  double mass = 0;
};

// Of r = s_B / s, where s_B^2 = chi2_{n-1} / n, and s^2 is independent of it.
//
// Where s^2 is one chi-square, of k degrees and scale b, the density of log r is proportional to
// r^(n-1) (n r^2 / 2 + 1 / b)^(-(n+k-1)/2). Else it is a mixture of such densities, each for an s^2
// that is known (k infinite), by the nodes of its VarianceDensity.
class DeviationRatio {
 public:
  // n >= 2, and a degree of freedom at least.
  DeviationRatio(double n, const VarianceLaw& reference);

  // A quadrature rule for E f(r), where f is smooth but at r = `kink`, and grows no faster than r
  // or 1 / r, where that has an expectation. The masses add to 1. Relative error about 1e-9 for one
  // chi-square, else that of the VarianceDensity's nodes.
  std::vector<RatioNode> Nodes(double kink) const;

 private:
  double n_;
  ScaledChiSquare reference_;              // where it is one chi-square
  std::optional<VarianceDensity> mixing_;  // else
};

// E |s_B / s - 1|.
double RatioDistance(const DeviationRatio& before);

// How a batch enters: s'^2 = old_share * s^2 + new_share * s_B^2.
struct Update {
  double old_share = 0;
  double new_share = 0;
};

struct DeviationFloors {
  double by_batch = 0;    // E |s' / s_B - 1|
  double by_running = 0;  // E |s_B / s' - 1|
};

DeviationFloors AfterUpdate(const DeviationRatio& before, const Update& update);

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_DEVIATION_RATIO_H_
