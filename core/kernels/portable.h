// The kernels in plain C++. They define the bits: what runs on SIMD equals them on every processor.
//
// Everything is float64, and every operation is rounded by itself (no fused multiply-add). A span
// is summed in 16 lanes, element i into lane i mod 16, and the lanes are summed by halves: 8 to 16
// onto 0 to 8, then 4 to 8 onto 0 to 4, and so on; errors, where they are carried, alike, and are
// then added. The sums of a channel's spans are added in memory order.
//
// Moments take two passes: the mean, sum / n, then s1 = sum of d and s2 = sum of d * d, where
// d = x - mean. m2 is s2 - s1 * s1 / n, at least 0, and the mean is corrected by s1 / n.
#ifndef NORMD_CORE_KERNELS_PORTABLE_H_
#define NORMD_CORE_KERNELS_PORTABLE_H_

#include <cstdint>
#include <type_traits>

#include "core/kernels/channel_kernels.h"
#include "core/kernels/element_conversion.h"
#include "core/kernels/epsilon.h"
#include "core/kernels/row_kernels.h"
#include "core/tensor/channel_layout.h"
#include "core/tensor/element_type.h"

namespace normd::kernels {

// Sums of float64 elements carry their rounding errors along (Knuth's TwoSum); those of narrower
// ones have bits to spare.
template <typename T>
inline constexpr bool kIsCompensated = std::is_same_v<T, double>;

// What a sum and its error come to. The error of an infinite sum is NaN.
inline double WithError(double sum, double error) { return error == error ? sum + error : sum; }

// One sum of elements of type T, or of what is computed from them.
template <typename T>
struct RunningSum {
  double sum = 0;
  double error = 0;

  void Add(double value) {
    const double total = sum + value;
    if constexpr (kIsCompensated<T>) {
      const double part = total - sum;
      error += (sum - (total - part)) + (value - part);
    }
    sum = total;
  }
  double Total() const { return kIsCompensated<T> ? WithError(sum, error) : sum; }
};

// The larger of two values, or NaN where one is.
inline double LargerOrNan(double a, double b) { return a >= b || a != a ? a : b; }

// The extremes of a span. 0 is never negative.
struct Extremes {
  double minimum = 0;
  double maximum = 0;
};

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

void NormalizeRows(const RowNorm& norm, ConstElements x, int64_t rows, int64_t row_size,
                   Elements y);
bool AllFinite(ConstElements x, int64_t size);
void CanonicalizeNans(Elements x, int64_t size);
void Clip(Elements x, int64_t size, double limit);

void ComputeChannelMoments(ConstElements x, const ChannelLayout& layout, double* mean, double* m2);
void FoldExtremes(ConstElements x, const ChannelLayout& layout, double* minimum, double* maximum);
void MergeChannelMoments(double count_a, double count_b, const double* mean_b, const double* m2_b,
                         int64_t channels, double* mean_a, double* m2_a);
void FoldAverage(double weight, const double* value, int64_t size, double* average);
void FoldTokens(ConstElements x, const ChannelLayout& layout, double alpha, double* mean,
                double* variance);
void ComputeChannelScale(const double* spread, double divisor, const Epsilon& epsilon,
                         const double* gamma, int64_t channels, double* scale);
void FoldAndNormalizeToken(const TokenStep& step, ConstElements x, int64_t channels, double* mean,
                           double* spread, Elements y);
void NormalizeChannels(ConstElements x, const ChannelLayout& layout, const double* mean,
                       const double* scale, const double* beta, Elements y);

}  // namespace portable
}  // namespace normd::kernels

#endif  // NORMD_CORE_KERNELS_PORTABLE_H_
