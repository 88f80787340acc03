// Statistics of contiguous spans of elements of type T, written once for all targets: `Sums<T>`
// brings a target's sums over one span.
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
template <template <typename> class SumsOf, typename T>
RowCoefficients CoefficientsOf(const RowNorm& norm, const T* x, int64_t size) {
  using Sums = SumsOf<T>;
  const auto scale = [&norm](double square) {
    return InverseDeviation(square, norm.epsilon) * norm.gain;
  };
  const double count = static_cast<double>(size);
  switch (norm.statistic) {
    case RowStatistic::kMeanVariance: {
      const double mean = Sums::Values(x, size) / count;
      const DeviationSums sums = Sums::Deviations(x, size, mean);
      return {norm.center ? sums.CorrectedMean(mean, count) : 0,
              norm.rescale ? scale(sums.CorrectedM2(count) / count) : norm.gain};
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
    case RowStatistic::kExtremes: {
      const Extremes extremes = Sums::ExtremesOf(x, size);
      return {extremes.minimum, InverseRange(extremes.minimum, extremes.maximum) * norm.gain};
    }
    case RowStatistic::kNone:
      break;
  }
  return {0, norm.gain};
}

// ComputeChannelMoments where a channel's values are spans of layout.inner.
template <template <typename> class SumsOf, typename T>
void ComputePlaneMoments(const T* x, const ChannelLayout& layout, double* mean, double* m2) {
  using Sums = SumsOf<T>;
  const double count = static_cast<double>(layout.values_per_channel());
  const int64_t stride = layout.channels * layout.inner;
  for (int64_t c = 0; c < layout.channels; ++c) {
    const T* plane = x + c * layout.inner;
    RunningSum<T> sum;
    for (int64_t o = 0; o < layout.outer; ++o) {
      sum.Add(Sums::Values(plane + o * stride, layout.inner));
    }
    const double first_mean = sum.Total() / count;
    RunningSum<T> s1;
    RunningSum<T> s2;
    for (int64_t o = 0; o < layout.outer; ++o) {
      const DeviationSums more = Sums::Deviations(plane + o * stride, layout.inner, first_mean);
      s1.Add(more.s1);
      s2.Add(more.s2);
    }
    const DeviationSums sums{s1.Total(), s2.Total()};
    mean[c] = sums.CorrectedMean(first_mean, count);
    m2[c] = sums.CorrectedM2(count);
  }
}

}  // namespace normd::kernels

#endif  // NORMD_CORE_KERNELS_SPAN_STATISTICS_H_
