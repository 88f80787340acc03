// The law of a variance that was estimated from normally distributed values.
#ifndef NORMD_CORE_COMPARISON_VARIANCE_LAW_H_
#define NORMD_CORE_COMPARISON_VARIANCE_LAW_H_

#include <vector>

namespace normd {

// mean * chi2_degrees / degrees, or just `mean` for infinitely many degrees of freedom.
struct ScaledChiSquare {
  double mean = 0;
  double degrees = 0;

  // Of the gamma law with the shape degrees / 2.
  double scale() const { return 2 * mean / degrees; }
};

// The sum of independent ScaledChiSquares.
class VarianceLaw {
 public:
  // Terms without a degree of freedom are 0 and left out; those of the same scale become one, and
  // so do the smallest, where they contribute less than 1e-7 of the variance: one of their mean and
  // variance.
  explicit VarianceLaw(std::vector<ScaledChiSquare> terms);

  // The largest scale first.
  const std::vector<ScaledChiSquare>& terms() const { return terms_; }

  double degrees() const { return degrees_; }
  double mean() const { return mean_; }
  double variance() const { return variance_; }

  // E S^-power for the variance S; power is 1/2 or 1. It is the integral over y > 0 of
  // E exp(-S y^(1 / power)), divided by Gamma(power + 1), where E exp(-t S) is the product of
  // (1 + scale t)^(-degrees / 2). Relative error below 1e-9. Infinite unless degrees() > 2 * power.
  double InverseMoment(double power) const;

 private:
  std::vector<ScaledChiSquare> terms_;
  double degrees_ = 0;
  double mean_ = 0;
  double variance_ = 0;
};

// `weight` times the variance of n values, biased or not; n may be infinite.
ScaledChiSquare SampleVariance(double n, double weight = 1, bool unbiased = false);

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_VARIANCE_LAW_H_
