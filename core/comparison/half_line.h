// A quadrature rule for integrals from 0 to infinity.
#ifndef NORMD_CORE_COMPARISON_HALF_LINE_H_
#define NORMD_CORE_COMPARISON_HALF_LINE_H_

#include <cmath>

namespace normd {

// Calls visit(x, width) for the nodes of the rule: the integral of f is the sum of f(x) * width.
// First outwards from 1 / e for as long as `visit` returns true, then inwards to 1e-18.
//
// It is the trapezoidal rule in t for x = exp(t - exp(-t)), a substitution of Takahasi and Mori
// (1974): for functions that are smooth on the scale of 1 and fall off faster than 1 / x, with a
// relative error below 1e-10, whatever f does next to 0, short of growing like 1 / sqrt(x).
template <typename Visit>
void ForEachHalfLineNode(const Visit& visit) {
  constexpr double kStep = 1.0 / 10;
  constexpr int kInwards = 37;
  constexpr int kOutwards = 1000;  // x = e^100
  const auto at = [&visit](int i) {
    const double t = i * kStep;
    const double x = std::exp(t - std::exp(-t));
    return visit(x, kStep * x * (1 + std::exp(-t)));
  };
  for (int i = 0; i <= kOutwards && at(i);) ++i;
  for (int i = -1; i >= -kInwards; --i) at(i);
}

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_HALF_LINE_H_
