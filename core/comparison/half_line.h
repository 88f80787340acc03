// A quadrature rule for integrals from 0 to infinity.
#ifndef NORMD_CORE_COMPARISON_HALF_LINE_H_
#define NORMD_CORE_COMPARISON_HALF_LINE_H_

#include <array>
#include <cmath>

namespace normd {

struct HalfLineNode {
  double x = 0;
  double width = 0;
};

// The integral of f is the sum of f(x) * width. It is the trapezoidal rule in t for x = exp(t -
// exp(-t)), a substitution of Takahasi and Mori (1974): for functions that vary on the scale of 1,
// are bounded next to 0, and fall off faster than 1 / x, with a relative error about 1e-9.
class HalfLineRule {
 public:
  static const HalfLineRule& Instance() {
    static const HalfLineRule kRule;
    return kRule;
  }

  // Calls visit(x, width) outwards from 1 / e for as long as it returns true, then for all nodes
  // from there inwards to 1e-13.
  template <typename Visit>
  void ForEachNode(const Visit& visit) const {
    for (int i = kInwards; i < kNodes && visit(nodes_[i].x, nodes_[i].width);) ++i;
    for (int i = kInwards - 1; i >= 0; --i) visit(nodes_[i].x, nodes_[i].width);
  }

 private:
  HalfLineRule() {
    for (int i = 0; i < kNodes; ++i) {
      const double t = kStep * (i - kInwards);
      const double x = std::exp(t - std::exp(-t));
      nodes_[i] = {.x = x, .width = kStep * x * (1 + std::exp(-t))};
    }
  }

  static constexpr double kStep = 0.1;
  static constexpr int kInwards = 33;
  static constexpr int kNodes = kInwards + 1000;  // to e^100

  std::array<HalfLineNode, kNodes> nodes_;
};

// By the only HalfLineRule.
template <typename Visit>
void ForEachHalfLineNode(const Visit& visit) {
  HalfLineRule::Instance().ForEachNode(visit);
}

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_HALF_LINE_H_
