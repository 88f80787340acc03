// Kernels for methods whose statistics lie across rows, one set per channel: BatchNorm,
// standardization, min-max.
//
// The bits of every output are those of kernels/portable, as in row_kernels.h. All statistics are
// float64 arrays of layout.channels values. Thread-safe; nothing is allocated.
#ifndef NORMD_CORE_KERNELS_CHANNEL_KERNELS_H_
#define NORMD_CORE_KERNELS_CHANNEL_KERNELS_H_

#include <cstdint>

#include "core/kernels/epsilon.h"
#include "core/kernels/executor.h"
#include "core/tensor/channel_layout.h"
#include "core/tensor/element_type.h"

namespace normd::kernels {

// Mean and centered sum of squares (m2) of each channel's values: by one pass over types narrower
// than float64, where that leaves enough bits (RawMoments::kLeastForStatistics); else by a second
// one, with the residual's correction. layout.values_per_channel() must be at least 1. m2 is not
// finite where a value is not.
void ComputeChannelMoments(ConstElements x, const ChannelLayout& layout, double* mean, double* m2,
                           Executor& executor = SerialExecutor());

// Lowers each channel's minimum and raises its maximum to those of its values, which must be
// finite. 0 is never negative.
void FoldExtremes(ConstElements x, const ChannelLayout& layout, double* minimum, double* maximum);

// Merges moments b of count_b > 0 values into moments a of count_a >= 0 (Chan, Golub and LeVeque
// 1979): with n = count_a + count_b and d = mean_b - mean_a,
//   mean_a += d * (count_b / n);  m2_a += m2_b + d * d * (count_a * (count_b / n)).
void MergeChannelMoments(double count_a, double count_b, const double* mean_b, const double* m2_b,
                         int64_t channels, double* mean_a, double* m2_a);

// average += weight * (value - average), for each of `size` values.
void FoldAverage(double weight, const double* value, int64_t size, double* average);

// Folds every token in memory order into exponentially weighted statistics:
// d = x - mean; mean += alpha * d; variance = (1 - alpha) * (variance + alpha * d * d).
void FoldTokens(ConstElements x, const ChannelLayout& layout, double alpha, double* mean,
                double* variance);

// scale = InverseDeviation(spread * (1 / divisor), epsilon) [* gamma], for each channel; gamma may
// be null, scale may be spread.
void ComputeChannelScale(const double* spread, double divisor, const Epsilon& epsilon,
                         const double* gamma, int64_t channels, double* scale);

// One token, a value per channel: how it enters running moments, and what it is normalized by.
struct TokenStep {
  bool merges = true;       // as MergeChannelMoments, with m2; else as FoldTokens, with variances
  double weight = 0;        // count_b / n, or alpha
  double count = 0;         // count_a
  bool folds_first = true;  // normalized by the moments after it; else by those before it
  double divisor = 1;       // of their spread, as in ComputeChannelScale
  Epsilon epsilon;
  const double* gamma = nullptr;  // or null, as beta
  const double* beta = nullptr;
};

// The token's fold, the scales and the normalization in one pass over `mean` and `spread`; y may be
// x where the types are the same. The bits are those of the kernels one by one, outputs in float64.
void FoldAndNormalizeToken(const TokenStep& step, ConstElements x, int64_t channels, double* mean,
                           double* spread, Elements y);

// y = (x - center) * scale [+ shift], by channel. From and to one type narrower than float64 it is
// computed in float32 with the center in two parts (NarrowCoefficients): each of the four
// operations rounds, and then that type does. Else, and for each channel whose coefficients are
// beyond the range of float32, it is computed in float64 and rounded once.
struct ChannelAffine {
  const double* center = nullptr;
  const double* scale = nullptr;
  const double* shift = nullptr;  // or null: none
  const float* narrow = nullptr;  // what Narrowed made of them: the same bits, sooner; or null
  bool in_float64 = false;        // always
};

// `affine` with its `narrow`, which is written to the 4 * channels values given, or without where
// some channel's coefficients are beyond the range of float32.
ChannelAffine Narrowed(const ChannelAffine& affine, int64_t channels, float* narrow);

// Returns whether AllFinite took all of x; y may be x where the types are the same.
bool NormalizeChannels(const ChannelAffine& affine, ConstElements x, const ChannelLayout& layout,
                       Elements y, Executor& executor = SerialExecutor());

// Whether NormalizeByOwnMoments is faster than those three: not where so many rows of neighbors
// leave no room in a cache but for pieces of them that memory reads slowly.
bool GainsByBlocks(const ChannelLayout& layout, ElementType type);

// How channels are normalized by their own values.
struct OwnScale {
  Epsilon epsilon;
  const double* gamma = nullptr;  // or null, as beta
  const double* beta = nullptr;
};

// What ComputeChannelMoments, ComputeChannelScale by the number of values, and NormalizeChannels
// come to, bit for bit, by some channels after others, which are still in a cache when they are
// written. The same conditions and the same return value.
bool NormalizeByOwnMoments(const OwnScale& own, ConstElements x, const ChannelLayout& layout,
                           Elements y, Executor& executor = SerialExecutor());

}  // namespace normd::kernels

#endif  // NORMD_CORE_KERNELS_CHANNEL_KERNELS_H_
