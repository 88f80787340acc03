// Independent references for statistics across rows: textbook formulas in long double. Those within
// a row are in row_reference.h.
#ifndef NORMD_TESTS_TESTING_REFERENCE_H_
#define NORMD_TESTS_TESTING_REFERENCE_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/tensor/channel_layout.h"

namespace normd::testing {

// How far an output may be from the exact one, which is gamma_xhat + beta.
inline double ErrorBound(long double gamma_xhat, long double beta) {
  return static_cast<double>(1e-6L * std::max(1.0L, std::fabs(gamma_xhat) + std::fabs(beta)));
}

struct ReferenceMoments {
  std::vector<long double> mean;
  std::vector<long double> variance;  // biased
};

// (x - mean) / sqrt(variance + epsilon), where 0 / 0 is 0.
inline long double ReferenceStandardize(long double x, long double mean, long double variance,
                                        long double epsilon) {
  const long double deviation = std::sqrt(variance + epsilon);
  return deviation == 0 ? 0 : (x - mean) / deviation;
}

// The statistics of each channel over the whole of `x`.
inline ReferenceMoments ReferenceChannelStatistics(const float* x, const ChannelLayout& layout) {
  const size_t channels = static_cast<size_t>(layout.channels);
  const long double count = layout.values_per_channel();
  ReferenceMoments moments{std::vector<long double>(channels), std::vector<long double>(channels)};
  const auto channel_of = [&](int64_t i) {
    return static_cast<size_t>(i / layout.inner % layout.channels);
  };
  for (int64_t i = 0; i < layout.size(); ++i) moments.mean[channel_of(i)] += x[i];
  for (long double& mean : moments.mean) mean /= count;
  for (int64_t i = 0; i < layout.size(); ++i) {
    const long double d = x[i] - moments.mean[channel_of(i)];
    moments.variance[channel_of(i)] += d * d;
  }
  for (long double& variance : moments.variance) variance /= count;
  return moments;
}

// BatchNorm with the given statistics, with epsilon inside the root. `gamma` and `beta` have
// layout.channels values or are null.
inline std::vector<long double> ReferenceChannelNormalize(const float* x,
                                                          const ChannelLayout& layout,
                                                          const std::vector<long double>& mean,
                                                          const std::vector<long double>& variance,
                                                          double epsilon, const double* gamma,
                                                          const double* beta) {
  std::vector<long double> y;
  for (int64_t i = 0; i < layout.size(); ++i) {
    const size_t c = static_cast<size_t>(i / layout.inner % layout.channels);
    const long double xhat = ReferenceStandardize(x[i], mean[c], variance[c], epsilon);
    y.push_back(xhat * (gamma ? gamma[c] : 1) + (beta ? beta[c] : 0));
  }
  return y;
}

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_REFERENCE_H_
