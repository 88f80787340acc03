// Every method whose statistics lie within a row, with its own parameters, and what the textbook
// makes of a spec.
#ifndef NORMD_TESTS_CORE_METHOD_ROW_METHOD_SPECS_H_
#define NORMD_TESTS_CORE_METHOD_ROW_METHOD_SPECS_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "core/kernels/row_kernels.h"
#include "core/method/spec.h"

namespace normd::testing {

struct NamedSpec {
  std::string name;
  NormalizationSpec spec;
};

inline void PrintTo(const NamedSpec& named, std::ostream* out) { *out << named.name; }

// Those for RowNormalizer.
inline std::vector<NamedSpec> RowMethodSpecs() {
  return {{"DyT", {.method = Method::kDynamicTanh}},
          {"DyTFalling", {.method = Method::kDynamicTanh, .gain = -0.03}},
          {"LayerNorm", {.method = Method::kLayerNorm}},
          {"L1", {.method = Method::kLpNorm, .order = LpOrder::kOne}},
          {"L2", {.method = Method::kLpNorm}},
          {"LInfinity", {.method = Method::kLpNorm, .order = LpOrder::kInfinity}},
          {"RmsNorm", {.method = Method::kRmsNorm}},
          {"RowMinMax", {.method = Method::kRowMinMax}},
          {"RowMinMaxRange", {.method = Method::kRowMinMax, .low = -3, .high = 0.5}},
          {"RowStandardization", {.method = Method::kRowStandardization}},
          {"RowStandardizationCentered", {.method = Method::kRowStandardization, .scale = false}},
          {"RowStandardizationScaled", {.method = Method::kRowStandardization, .center = false}},
          {"RmsNormPartial", {.method = Method::kRmsNorm, .partial = 0.3}},
          {"ScaleNorm", {.method = Method::kScaleNorm}},
          {"ScaleNormGain", {.method = Method::kScaleNorm, .gain = -2.5}}};
}

inline kernels::RowStatistic ReferenceStatistic(const NormalizationSpec& spec) {
  switch (spec.method) {
    case Method::kBatchNorm:
    case Method::kGroupNorm:
    case Method::kInstanceNorm:
    case Method::kLayerNorm:
    case Method::kRowStandardization:
    case Method::kStandardization:
      return kernels::RowStatistic::kMeanVariance;
    case Method::kMinMax:
    case Method::kRowMinMax:
      return kernels::RowStatistic::kExtremes;
    case Method::kRmsNorm:
      return kernels::RowStatistic::kMeanSquare;
    case Method::kDynamicTanh:
      return kernels::RowStatistic::kNone;
    case Method::kScaleNorm:
      return kernels::RowStatistic::kSquareSum;
    case Method::kLpNorm:
      break;
  }
  switch (*spec.order) {
    case LpOrder::kOne:
      return kernels::RowStatistic::kMagnitudeSum;
    case LpOrder::kTwo:
      return kernels::RowStatistic::kSquareSum;
    case LpOrder::kInfinity:
      break;
  }
  return kernels::RowStatistic::kLargestMagnitude;
}

// What a resolved spec says of `size` elements that share statistics. gamma and beta are the spec's
// own: it must outlive the result.
inline kernels::RowNorm ReferenceNorm(const NormalizationSpec& spec, int64_t size) {
  const auto count = static_cast<double>(size);
  const double gain = spec.method == Method::kScaleNorm ? std::sqrt(count) : 1;
  return {.statistic = ReferenceStatistic(spec),
          .epsilon = spec.resolved_epsilon(),
          .gamma = spec.gamma ? spec.gamma->values.data() : nullptr,
          .beta = spec.beta ? spec.beta->values.data() : nullptr,
          .offset = spec.low.value_or(0),
          .gain = spec.gain.value_or(gain * (spec.high.value_or(1) - spec.low.value_or(0))),
          .counted = std::max<int64_t>(1, static_cast<int64_t>(spec.partial.value_or(1) * count)),
          .center = spec.center.value_or(true),
          .rescale = spec.scale.value_or(true)};
}

}  // namespace normd::testing

#endif  // NORMD_TESTS_CORE_METHOD_ROW_METHOD_SPECS_H_
