// The kernels in plain C++. They define the bits: what runs on SIMD equals them on every processor.
//
// Every operation is rounded by itself (no fused multiply-add). Sums are in float64. A span is
// summed in 16 lanes, element i into lane LaneOf(i), and the lanes are summed by halves: 8 to 16
// onto 0 to 8, then 4 to 8 onto 0 to 4, and so on; errors, where they are carried, alike, and are
// then added. The sums of a channel's spans are added in memory order, and so are those of x and
// x * x over chunks of kChunk elements.
//
// Moments come from the sums of x and x * x, whose squares are exact for types narrower than
// float64, if m2 = sum of x * x - (sum of x) * mean keeps enough bits. Else, and for float64
// elements, there is a second pass: s1 = sum of d and s2 = sum of d * d, where d = x - mean. m2 is
// s2 - s1 * s1 / n, at least 0, and the mean is corrected by s1 / n.
//
// Outputs are written in float64 and rounded once, or, from and to one type that is narrower, in
// float32 with the mean in two parts (NarrowCoefficients).
#ifndef NORMD_CORE_KERNELS_PORTABLE_H_
#define NORMD_CORE_KERNELS_PORTABLE_H_

#include <cstdint>
#include <type_traits>

#include "core/kernels/channel_kernels.h"
#include "core/kernels/element_conversion.h"
#include "core/kernels/epsilon.h"
#include "core/kernels/parts.h"
#include "core/kernels/row_kernels.h"
#include "core/tensor/channel_layout.h"
#include "core/tensor/element_type.h"

namespace normd::kernels {

// Sums of float64 elements carry their rounding errors along (Knuth's TwoSum); those of narrower
// ones have bits to spare.
template <typename T>
inline constexpr bool kIsCompensated = std::is_same_v<T, double>;

inline constexpr int64_t kLanes = 16;
inline constexpr int64_t kChunk = 16384;

// i mod 16; but a word of two BFloat16 is two float32 as it is, but for the half that it masks:
// there the even ones have the first lanes, and the odd ones the last.
template <typename T>
constexpr int64_t LaneOf(int64_t i) {
  if (std::is_same_v<T, BFloat16>) return i % 2 * (kLanes / 2) + i % kLanes / 2;
  return i % kLanes;
}

// What a sum and its error come to. The error of an infinite sum is NaN.
inline double WithError(double sum, double error) { return error == error ? sum + error : sum; }

// Whether outputs of type Out may be written in float32.
template <typename In, typename Out>
inline constexpr bool kIsNarrow = std::is_same_v<In, Out> && !std::is_same_v<In, double>;

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

// The sums of a first pass over elements narrower than float64. Squares are finite where all
// elements are.
struct RawMoments {
  double values = 0;
  double squares = 0;

  void Add(const RawMoments& more) {
    values += more.values;
    squares += more.squares;
  }
  double M2(double count) const { return squares - values * (values / count); }
  // Whether M2 keeps enough of the bits of `squares`: for outputs of float32, and for statistics
  // that are themselves results. False where an element is not finite.
  static constexpr double kLeastForOutputs = 0x1p-16;
  static constexpr double kLeastForStatistics = 0x1p-9;
  bool FitOutputs(double count) const { return M2(count) >= squares * kLeastForOutputs; }
  bool FitStatistics(double count) const { return M2(count) >= squares * kLeastForStatistics; }
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

// Some rows of those that lie at `x` and `y`.
bool NormalizeRows(const RowNorm& norm, ConstElements x, Part rows, int64_t row_size, Elements y,
                   bool past_caches = false);
void Add(ConstElements x, ConstElements residual, int64_t size, Elements sum);
bool AllFinite(ConstElements x, int64_t size);
void CanonicalizeNans(Elements x, int64_t size);
void Clip(Elements x, int64_t size, double limit);

// Some of the layout's channels: arrays begin with the first of these.
void ComputeChannelMoments(ConstElements x, const ChannelLayout& layout, Part channels,
                           double* mean, double* m2);
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
ChannelAffine Narrowed(const ChannelAffine& affine, int64_t channels, float* narrow);
// Some channels of some of the layout's spans.
bool NormalizeChannels(const ChannelAffine& affine, ConstElements x, const ChannelLayout& layout,
                       Part spans, Part channels, Elements y, bool past_caches = false);

}  // namespace portable
}  // namespace normd::kernels

#endif  // NORMD_CORE_KERNELS_PORTABLE_H_
