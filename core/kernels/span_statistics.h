// Statistics of contiguous spans of elements of type T, written once for all targets: `Sums<T>`
// brings a target's sums over one span.
#ifndef NORMD_CORE_KERNELS_SPAN_STATISTICS_H_
#define NORMD_CORE_KERNELS_SPAN_STATISTICS_H_

#include <cmath>
#include <cstdint>

#include "core/kernels/narrow_coefficients.h"
#include "core/kernels/portable.h"
#include "core/kernels/row_kernels.h"
#include "core/tensor/channel_layout.h"

namespace normd::kernels {

// y = (x - mean) * scale.
struct RowCoefficients {
  double mean = 0;
  double scale = 1;
  bool all_finite = true;  // what they come from
};

// `norm` with the gamma and beta of one row of x.
inline RowNorm OfRow(RowNorm norm, int64_t row, int64_t row_size) {
  const int64_t begin = row % norm.affine_rows * row_size;
  if (norm.gamma != nullptr) norm.gamma += begin;
  if (norm.beta != nullptr) norm.beta += begin;
  if (norm.narrow_gamma != nullptr) norm.narrow_gamma += begin;
  if (norm.narrow_beta != nullptr) norm.narrow_beta += begin;
  return norm;
}

inline double ScaleOf(const RowNorm& norm, double square) {
  return InverseDeviation(square, norm.epsilon) * norm.gain;
}

// Whether a row's raw moments say all.
inline bool TakesRawMoments(const RowNorm& norm) {
  return norm.statistic == RowStatistic::kMeanVariance ||
         norm.statistic == RowStatistic::kMeanSquare || norm.statistic == RowStatistic::kSquareSum;
}

// Whether it has a mean: squares alone have none.
inline bool HasMean(const RowNorm& norm) { return norm.statistic == RowStatistic::kMeanVariance; }

// Whether outputs of narrow types are written in float32, where the row's coefficients fit.
inline bool TakesFloats(const RowNorm& norm) {
  return TakesRawMoments(norm) && norm.counted == 0 &&
         (norm.gamma == nullptr || norm.narrow_gamma != nullptr) &&
         (norm.beta == nullptr || norm.narrow_beta != nullptr);
}

// Mean and m2 of a first pass and, where that lost too much, of a second one.
template <class Sums, typename T>
RowCoefficients CoefficientsOfMoments(const RowNorm& norm, const RawMoments& raw, const T* x,
                                      int64_t size) {
  const auto count = static_cast<double>(size);
  const bool all_finite = std::isfinite(raw.squares);
  if (norm.statistic == RowStatistic::kSquareSum) {
    return {0, ScaleOf(norm, raw.squares), all_finite};
  }
  if (norm.statistic == RowStatistic::kMeanSquare) {
    return {0, ScaleOf(norm, raw.squares / count), all_finite};
  }
  double mean = raw.values / count;
  double m2 = raw.M2(count);
  if (!raw.FitOutputs(count)) {
    const DeviationSums sums = Sums::Deviations(x, size, mean);
    mean = sums.CorrectedMean(mean, count);
    m2 = sums.CorrectedM2(count);
  }
  return {norm.center ? mean : 0, norm.rescale ? ScaleOf(norm, m2 / count) : norm.gain, all_finite};
}

// What a row's statistic comes to.
template <template <typename> class SumsOf, typename T>
RowCoefficients CoefficientsOf(const RowNorm& norm, const T* x, int64_t size) {
  using Sums = SumsOf<T>;
  const auto count = static_cast<double>(size);
  if constexpr (!kIsCompensated<T>) {
    if (TakesRawMoments(norm) && norm.counted == 0) {
      return CoefficientsOfMoments<Sums>(norm, Sums::Raw(x, size), x, size);
    }
  }
  const bool all_finite = Sums::AllFinite(x, size);
  switch (norm.statistic) {
    case RowStatistic::kMeanVariance: {
      const double mean = Sums::Values(x, size) / count;
      const DeviationSums sums = Sums::Deviations(x, size, mean);
      return {norm.center ? sums.CorrectedMean(mean, count) : 0,
              norm.rescale ? ScaleOf(norm, sums.CorrectedM2(count) / count) : norm.gain,
              all_finite};
    }
    case RowStatistic::kMeanSquare: {
      const int64_t counted = norm.counted > 0 ? norm.counted : size;
      const double squares = Sums::Squares(x, counted);
      return {0, ScaleOf(norm, squares / static_cast<double>(counted)), all_finite};
    }
    case RowStatistic::kSquareSum:
      return {0, ScaleOf(norm, Sums::Squares(x, size)), all_finite};
    case RowStatistic::kMagnitudeSum: {
      const double sum = Sums::Magnitudes(x, size);
      return {0, ScaleOf(norm, sum * sum), all_finite};
    }
    case RowStatistic::kLargestMagnitude: {
      const double largest = Sums::LargestMagnitude(x, size);
      return {0, ScaleOf(norm, largest * largest), all_finite};
    }
    case RowStatistic::kExtremes: {
      const Extremes extremes = Sums::ExtremesOf(x, size);
      return {extremes.minimum, InverseRange(extremes.minimum, extremes.maximum) * norm.gain,
              all_finite};
    }
    case RowStatistic::kNone:
      break;
  }
  return {0, norm.gain, all_finite};
}

// ComputeChannelMoments of one channel, whose values are spans of layout.inner, layout.outer times.
template <template <typename> class SumsOf, typename T>
void ComputePlaneMoments(const T* plane, const ChannelLayout& layout, double& mean, double& m2) {
  using Sums = SumsOf<T>;
  const auto count = static_cast<double>(layout.values_per_channel());
  const int64_t stride = layout.channels * layout.inner;
  RunningSum<T> sum;
  if constexpr (kIsCompensated<T>) {
    for (int64_t o = 0; o < layout.outer; ++o) {
      sum.Add(Sums::Values(plane + o * stride, layout.inner));
    }
  } else {
    RawMoments raw;
    for (int64_t o = 0; o < layout.outer; ++o) {
      raw.Add(Sums::Raw(plane + o * stride, layout.inner));
    }
    if (raw.FitStatistics(count)) {
      mean = raw.values / count;
      m2 = raw.M2(count);
      return;
    }
    sum.Add(raw.values);
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
  mean = sums.CorrectedMean(first_mean, count);
  m2 = sums.CorrectedM2(count);
}

}  // namespace normd::kernels

#endif  // NORMD_CORE_KERNELS_SPAN_STATISTICS_H_
