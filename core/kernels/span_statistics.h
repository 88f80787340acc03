// Statistics of contiguous spans, written once for all targets: `Sums` brings a target's sums over
// one span.
#ifndef NORMD_CORE_KERNELS_SPAN_STATISTICS_H_
#define NORMD_CORE_KERNELS_SPAN_STATISTICS_H_

#include <cstdint>

#include "core/kernels/portable.h"
#include "core/kernels/row_kernels.h"
#include "core/tensor/channel_layout.h"

namespace normd::kernels {

// y = (x - mean) * scale.
struct RowCoefficients {
  double mean = 0;
  double scale = 1;
};

// What a row's statistic comes to.
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

// ComputeChannelMoments where a channel's values are spans of layout.inner.
template <class Sums>
void ComputePlaneMoments(const float* x, const ChannelLayout& layout, double* mean, double* m2) {
  const double count = static_cast<double>(layout.values_per_channel());
  const int64_t stride = layout.channels * layout.inner;
  for (int64_t c = 0; c < layout.channels; ++c) {
    const float* plane = x + c * layout.inner;
    double sum = 0;
    for (int64_t o = 0; o < layout.outer; ++o)
      sum += Sums::Values(plane + o * stride, layout.inner);
    const double first_mean = sum / count;
    DeviationSums sums;
    for (int64_t o = 0; o < layout.outer; ++o) {
      const DeviationSums more = Sums::Deviations(plane + o * stride, layout.inner, first_mean);
      sums.s1 += more.s1;
      sums.s2 += more.s2;
    }
    mean[c] = sums.CorrectedMean(first_mean, count);
    m2[c] = sums.CorrectedM2(count);
  }
}

}  // namespace normd::kernels

#endif  // NORMD_CORE_KERNELS_SPAN_STATISTICS_H_
