// Textbook formulas in long double for what is normalized by statistics within a row: one function
// for each statistic.
#ifndef NORMD_TESTS_TESTING_ROW_REFERENCE_H_
#define NORMD_TESTS_TESTING_ROW_REFERENCE_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/kernels/epsilon.h"
#include "core/kernels/row_kernels.h"

namespace normd::testing {

using Row = std::span<const double>;

inline long double ReferenceMean(Row x) {
  long double sum = 0;
  for (const long double value : x) sum += value;
  return sum / static_cast<long double>(x.size());
}

inline long double ReferenceVariance(Row x) {  // biased
  const long double mean = ReferenceMean(x);
  long double sum = 0;
  for (const long double value : x) sum += (value - mean) * (value - mean);
  return sum / static_cast<long double>(x.size());
}

inline long double ReferenceSquareSum(Row x) {
  long double sum = 0;
  for (const long double value : x) sum += value * value;
  return sum;
}

inline long double ReferenceMeanSquare(Row x) {
  return ReferenceSquareSum(x) / static_cast<long double>(x.size());
}

inline long double ReferenceMagnitudeSum(Row x) {
  long double sum = 0;
  for (const long double value : x) sum += std::fabs(value);
  return sum;
}

inline long double ReferenceLargestMagnitude(Row x) {
  long double largest = 0;
  for (const long double value : x) largest = std::max(largest, std::fabs(value));
  return largest;
}

inline long double ReferenceMinimum(Row x) { return *std::min_element(x.begin(), x.end()); }

inline long double ReferenceRange(Row x) {
  return *std::max_element(x.begin(), x.end()) - ReferenceMinimum(x);
}

// What `square`, the square of a deviation or a norm, is divided by once epsilon is there.
inline long double ReferenceDeviation(long double square, const Epsilon& epsilon) {
  const long double e = epsilon.value;
  switch (epsilon.placement) {
    case EpsilonPlacement::kInsideRoot:
      return std::sqrt(square + e);
    case EpsilonPlacement::kOutsideRoot:
      return std::sqrt(square) + e;
    case EpsilonPlacement::kClampVariance:
      return std::sqrt(std::max(square, e));
    case EpsilonPlacement::kClampDeviation:
      break;
  }
  return std::max(std::sqrt(square), e);
}

// The square of what the values of a row are divided by, without epsilon.
inline long double ReferenceSquare(const kernels::RowNorm& norm, Row x) {
  switch (norm.statistic) {
    case kernels::RowStatistic::kMeanVariance:
      return ReferenceVariance(x);
    case kernels::RowStatistic::kMeanSquare:
      return ReferenceMeanSquare(norm.counted > 0 ? x.first(static_cast<size_t>(norm.counted)) : x);
    case kernels::RowStatistic::kSquareSum:
      return ReferenceSquareSum(x);
    case kernels::RowStatistic::kMagnitudeSum:
      return std::pow(ReferenceMagnitudeSum(x), 2.0L);
    case kernels::RowStatistic::kLargestMagnitude:
      return std::pow(ReferenceLargestMagnitude(x), 2.0L);
    case kernels::RowStatistic::kExtremes:
      return std::pow(ReferenceRange(x), 2.0L);
    case kernels::RowStatistic::kNone:
      break;
  }
  return 1;
}

// What is subtracted.
inline long double ReferenceCenter(const kernels::RowNorm& norm, Row x) {
  if (norm.statistic == kernels::RowStatistic::kExtremes) return ReferenceMinimum(x);
  const bool is_centered = norm.statistic == kernels::RowStatistic::kMeanVariance && norm.center;
  return is_centered ? ReferenceMean(x) : 0;
}

// `x` normalized by the statistics of `sample`, times gamma plus beta.
inline std::vector<long double> ReferenceNormalizeBy(const kernels::RowNorm& norm, Row sample,
                                                     Row x) {
  const long double center = ReferenceCenter(norm, sample);
  const bool is_range = norm.statistic == kernels::RowStatistic::kExtremes;
  const long double deviation =
      !norm.rescale
          ? 1
          : ReferenceDeviation(ReferenceSquare(norm, sample), is_range ? Epsilon{} : norm.epsilon);
  std::vector<long double> y;
  for (size_t i = 0; i < x.size(); ++i) {
    long double value = deviation == 0 ? 0 : norm.gain * (x[i] - center) / deviation;  // 0/0 is 0
    if (norm.statistic == kernels::RowStatistic::kNone) {
      value = std::tanh(static_cast<long double>(norm.gain) * x[i]);
    }
    if (norm.gamma != nullptr) value *= norm.gamma[i];
    value += norm.beta != nullptr ? norm.beta[i] : norm.offset;
    y.push_back(value);
  }
  return y;
}

// One row, by its own statistics.
inline std::vector<long double> ReferenceNormalizeRow(const kernels::RowNorm& norm, Row x) {
  return ReferenceNormalizeBy(norm, x, x);
}

inline std::vector<long double> ReferenceNormalizeRow(const kernels::RowNorm& norm,
                                                      const std::vector<float>& x) {
  return ReferenceNormalizeRow(norm, std::vector<double>(x.begin(), x.end()));
}

// Rows of `row_size` elements, one after the other.
inline std::vector<long double> ReferenceNormalizeRows(const kernels::RowNorm& norm, Row x,
                                                       int64_t row_size) {
  std::vector<long double> y;
  for (; !x.empty(); x = x.subspan(static_cast<size_t>(row_size))) {
    const auto of_row = ReferenceNormalizeRow(norm, x.first(static_cast<size_t>(row_size)));
    y.insert(y.end(), of_row.begin(), of_row.end());
  }
  return y;
}

inline std::vector<long double> ReferenceNormalizeRows(const kernels::RowNorm& norm,
                                                       const std::vector<float>& x,
                                                       int64_t row_size) {
  return ReferenceNormalizeRows(norm, std::vector<double>(x.begin(), x.end()), row_size);
}

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_ROW_REFERENCE_H_
