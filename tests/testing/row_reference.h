// Textbook formulas in long double for the methods whose statistics lie within a row.
#ifndef NORMD_TESTS_TESTING_ROW_REFERENCE_H_
#define NORMD_TESTS_TESTING_ROW_REFERENCE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/method/spec.h"

namespace normd::testing {

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

// What the elements `x`, which share statistics, come to before gamma and beta. `spec` is resolved.
inline std::vector<long double> ReferenceRow(const NormalizationSpec& spec,
                                             const std::vector<float>& x) {
  const auto size = static_cast<long double>(x.size());
  long double mean = 0;
  long double squares = 0;
  long double magnitudes = 0;
  long double largest = 0;
  for (const float value : x) {
    mean += value;
    magnitudes += std::fabs(static_cast<long double>(value));
    largest = std::max(largest, std::fabs(static_cast<long double>(value)));
  }
  mean /= size;
  const bool is_centered = spec.method == Method::kLayerNorm || spec.method == Method::kGroupNorm ||
                           spec.method == Method::kInstanceNorm;
  if (!is_centered) mean = 0;
  const auto counted =
      static_cast<size_t>(spec.partial.value_or(1) * static_cast<double>(x.size()));
  for (size_t i = 0; i < counted; ++i) squares += (x[i] - mean) * (x[i] - mean);
  long double square = squares / static_cast<long double>(counted);
  if (spec.method == Method::kScaleNorm || spec.order == LpOrder::kTwo) square = squares;
  if (spec.order == LpOrder::kOne) square = magnitudes * magnitudes;
  if (spec.order == LpOrder::kInfinity) square = largest * largest;
  const long double deviation = ReferenceDeviation(square, spec.resolved_epsilon());
  const long double gain =
      spec.method == Method::kScaleNorm ? spec.gain.value_or(std::sqrt(x.size())) : 1;
  std::vector<long double> y;
  for (const float value : x) {
    if (spec.method == Method::kDynamicTanh) {
      y.push_back(std::tanh(static_cast<long double>(*spec.gain) * value));
    } else {
      y.push_back(deviation == 0 ? 0 : gain * (value - mean) / deviation);
    }
  }
  return y;
}

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_ROW_REFERENCE_H_
