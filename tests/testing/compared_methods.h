// Methods as a comparison takes them.
#ifndef NORMD_TESTS_TESTING_COMPARED_METHODS_H_
#define NORMD_TESTS_TESTING_COMPARED_METHODS_H_

#include <cstdint>

#include "core/comparison/compared_method.h"
#include "core/method/normalizer.h"
#include "core/method/spec.h"

namespace normd::testing {

inline NormalizationSpec BatchNormSpec(const Estimator& estimator = Cumulative(), int axis = -1) {
  return {.method = Method::kBatchNorm, .channel_axis = axis, .estimator = estimator};
}

inline NormalizationSpec LayerNormSpec() { return {.method = Method::kLayerNorm}; }

inline NormalizationSpec MinMaxSpec() { return {.method = Method::kMinMax, .channel_axis = -1}; }

inline Normalizer NormalizerOf(const NormalizationSpec& spec, const Shape& row_shape) {
  return *CreateNormalizer(*Resolve(spec), row_shape);
}

// Of rows that are tokens.
inline ComparedMethod Compared(const NormalizationSpec& spec, int64_t channels) {
  return *ComparedMethod::Create(NormalizerOf(spec, {channels}), {channels}, {1, channels, 1});
}

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_COMPARED_METHODS_H_
