// Kernels for methods whose statistics lie within a row, or that have none: LayerNorm, RMSNorm,
// ScaleNorm, Lp normalization, min-max within rows, DyT.
//
// Input and output may be of different types. The bits of every output are those of
// kernels/portable: they do not depend on the processor, on how many rows travel together, on
// the executor's threads, on alignment, or on whether `y` is `x` (which is allowed for one type;
// other overlap is not). Thread-safe; nothing is allocated.
#ifndef NORMD_CORE_KERNELS_ROW_KERNELS_H_
#define NORMD_CORE_KERNELS_ROW_KERNELS_H_

#include <cstdint>

#include "core/kernels/epsilon.h"
#include "core/kernels/executor.h"
#include "core/tensor/element_type.h"

namespace normd::kernels {

// What a row is divided by; e(d^2) is d with the epsilon where its placement says.
enum class RowStatistic {
  kMeanVariance,      // y = (x - mean) / e(biased variance)
  kMeanSquare,        // y = x / e(mean of x^2), over the first `counted` elements
  kSquareSum,         // y = x / e(sum of x^2)
  kMagnitudeSum,      // y = x / e((sum of |x|)^2)
  kLargestMagnitude,  // y = x / e((largest |x|)^2)
  kExtremes,          // y = (x - minimum) / (maximum - minimum); 0 where they are equal
  kNone,              // y = tanh(gain * x)
};

struct RowNorm {
  RowStatistic statistic = RowStatistic::kMeanVariance;
  Epsilon epsilon;
  const double* gamma = nullptr;  // row_size scales, or null: 1
  const double* beta = nullptr;   // row_size shifts, or null: `offset` everywhere
  // The same rounded to float32, or null: then all arithmetic is float64.
  const float* narrow_gamma = nullptr;
  const float* narrow_beta = nullptr;
  int64_t affine_rows = 1;  // gamma and beta have as many rows, which x's rows take in turn
  double offset = 0;
  double gain = 1;      // multiplies y, before gamma
  int64_t counted = 0;  // kMeanSquare; 0: all
  bool center = true;   // kMeanVariance: whether the mean is subtracted
  bool rescale = true;  // kMeanVariance: whether to divide
};

// Normalizes each of `rows` contiguous rows of `row_size` elements by itself, and returns whether
// AllFinite took all of x. Statistics are float64. Outputs are computed in float64 and rounded
// once; but those of a mean and variance, or of squares of all elements, from and to one type
// narrower than float64, in float32, where that has the range: each of its five operations rounds,
// and then that type does.
bool NormalizeRows(const RowNorm& norm, ConstElements x, int64_t rows, int64_t row_size, Elements y,
                   Executor& executor = SerialExecutor());

// sum = x + residual, all of one type, to which each is rounded once, to nearest even; `sum` may be
// `x` or `residual`. Every NaN is the canonical one.
void Add(ConstElements x, ConstElements residual, int64_t size, Elements sum);

// NormalizeRows of the sum that Add gives. `y` is of the type of `x`, and may be `x` or `residual`.
// Some rows at a time are added and normalized where they are still in the caches.
bool NormalizeSums(const RowNorm& norm, ConstElements x, ConstElements residual, int64_t rows,
                   int64_t row_size, Elements y, Executor& executor = SerialExecutor());

// Whether no element is NaN or infinite, nor, of float64, 2^480 or beyond: sums of squares
// overflow.
bool AllFinite(ConstElements x, int64_t size);

// How many elements AllFinite would not take. Fast where there are none.
int64_t CountNonFinite(ConstElements x, int64_t size);

// Replaces every NaN by the canonical quiet one (0x7FC00000 in float32).
void CanonicalizeNans(Elements x, int64_t size);

// Clips every element to what its type has within [-limit, limit]; NaN stays.
void Clip(Elements x, int64_t size, double limit);

}  // namespace normd::kernels

#endif  // NORMD_CORE_KERNELS_ROW_KERNELS_H_
