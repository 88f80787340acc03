// The kernels in plain C++. They define the bits: what runs on SIMD equals them on every processor.
//
// Everything is float64, and every operation is rounded by itself (no fused multiply-add). A span
// is summed in 16 lanes, element i into lane i mod 16, and the lanes are summed by halves: 8 to 16
// onto 0 to 8, then 4 to 8 onto 0 to 4, and so on. The sums of a channel's spans are added in
// memory order.
//
// Moments take two passes: the mean, sum / n, then s1 = sum of d and s2 = sum of d * d, where
// d = x - mean. m2 is s2 - s1 * s1 / n, at least 0, and the mean is corrected by s1 / n.
#ifndef NORMD_CORE_KERNELS_PORTABLE_H_
#define NORMD_CORE_KERNELS_PORTABLE_H_

#include <cstdint>
#include <cstring>

#include "core/kernels/epsilon.h"
#include "core/kernels/row_kernels.h"
#include "core/tensor/channel_layout.h"

namespace normd::kernels {

// Floats may lie at any address, as the bytes of a message do.
inline float LoadFloat(const float* from) {
  float value;
  std::memcpy(&value, static_cast<const void*>(from), sizeof(value));
  return value;
}

inline void StoreFloat(float value, float* to) {
  std::memcpy(static_cast<void*>(to), &value, sizeof(value));
}

// The larger of two values, or NaN where one is.
inline double LargerOrNan(double a, double b) { return a >= b || a != a ? a : b; }

// The sums of pass 2, and what they say about the values.
struct DeviationSums {
  double s1 = 0;
  double s2 = 0;

  // m2, which is NaN where a value was not finite.
  double CorrectedM2(double count) const {
    const double m2 = s2 - s1 * s1 / count;
    return m2 < 0 ? 0 : m2;
  }
  double CorrectedMean(double mean, double count) const { return mean + s1 / count; }
};

namespace portable {

void NormalizeRows(const RowNorm& norm, const float* x, int64_t rows, int64_t row_size, float* y);
bool AllFinite(const float* x, int64_t size);
void CanonicalizeNans(float* x, int64_t size);

void ComputeChannelMoments(const float* x, const ChannelLayout& layout, double* mean, double* m2);
void MergeChannelMoments(double count_a, double count_b, const double* mean_b, const double* m2_b,
                         int64_t channels, double* mean_a, double* m2_a);
void FoldAverage(double weight, const double* value, int64_t size, double* average);
void FoldTokens(const float* x, const ChannelLayout& layout, double alpha, double* mean,
                double* variance);
void ComputeChannelScale(const double* spread, double divisor, const Epsilon& epsilon,
                         const double* gamma, int64_t channels, double* scale);
void NormalizeChannels(const float* x, const ChannelLayout& layout, const double* mean,
                       const double* scale, const double* beta, float* y);

}  // namespace portable
}  // namespace normd::kernels

#endif  // NORMD_CORE_KERNELS_PORTABLE_H_
