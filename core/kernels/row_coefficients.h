// What a row's statistic comes to: y = (x - mean) * scale. Written once for all targets: `Sums`
// brings a target's sums over spans.
#ifndef NORMD_CORE_KERNELS_ROW_COEFFICIENTS_H_
#define NORMD_CORE_KERNELS_ROW_COEFFICIENTS_H_

#include <cstdint>

#include "core/kernels/portable.h"
#include "core/kernels/row_kernels.h"

namespace normd::kernels {

struct RowCoefficients {
  double mean = 0;
  double scale = 1;
};

template <class Sums>
RowCoefficients CoefficientsOf(const RowNorm& norm, const float* x, int64_t size) {
  const auto scale = [&norm](double square) {
    return InverseDeviation(square, norm.epsilon) * norm.gain;
  };
  const double count = static_cast<double>(size);
  switch (norm.statistic) {
    case RowStatistic::kMeanVariance: {
      const double mean = Sums::Values(x, size) / count;
      const DeviationSums sums = Sums::Deviations(x, size, mean);
      return {sums.CorrectedMean(mean, count), scale(sums.CorrectedM2(count) / count)};
    }
    case RowStatistic::kMeanSquare: {
      const int64_t counted = norm.counted > 0 ? norm.counted : size;
      return {0, scale(Sums::Squares(x, counted) / static_cast<double>(counted))};
    }
    case RowStatistic::kSquareSum:
      return {0, scale(Sums::Squares(x, size))};
    case RowStatistic::kMagnitudeSum: {
      const double sum = Sums::Magnitudes(x, size);
      return {0, scale(sum * sum)};
    }
    case RowStatistic::kLargestMagnitude: {
      const double largest = Sums::LargestMagnitude(x, size);
      return {0, scale(largest * largest)};
    }
    case RowStatistic::kNone:
      break;
  }
  return {0, norm.gain};
}

}  // namespace normd::kernels

#endif  // NORMD_CORE_KERNELS_ROW_COEFFICIENTS_H_
