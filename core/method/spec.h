// What a user asked for: a method and its parameters.
#ifndef NORMD_CORE_METHOD_SPEC_H_
#define NORMD_CORE_METHOD_SPEC_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "core/kernels/epsilon.h"
#include "core/method/method.h"
#include "core/statistics/estimator.h"
#include "core/tensor/shape.h"

namespace normd {

enum class NonFinitePolicy { kReject, kPropagate };

// gamma or beta: a small tensor, held as float64.
struct AffineParameter {
  Shape shape;
  std::vector<double> values;
};

// Parameters that a method does not have stay unset (the proto cannot express them).
struct NormalizationSpec {
  Method method = Method::kLayerNorm;
  std::optional<double> epsilon;
  EpsilonPlacement epsilon_placement = EpsilonPlacement::kInsideRoot;
  std::optional<int> channel_axis;     // within [N, row_shape...]; SharedOver::kChannel
  std::optional<int> normalized_rank;  // SharedOver::kTrailingDimensions
  std::optional<AffineParameter> gamma;
  std::optional<AffineParameter> beta;
  std::optional<Estimator> estimator;  // methods that keep running statistics
  NonFinitePolicy non_finite = NonFinitePolicy::kReject;

  // Only after Resolve.
  Epsilon resolved_epsilon() const { return {*epsilon, epsilon_placement}; }
};

// `spec` with every default written out (PyTorch 2.4's). INVALID_ARGUMENT with the field's path
// within the method ("epsilon.value", "channel_axis", "affine.gamma", "estimator.token_ema.alpha")
// where a value is out of its range, not finite, or its size does not match its shape.
absl::StatusOr<NormalizationSpec> Resolve(NormalizationSpec spec);

}  // namespace normd

#endif  // NORMD_CORE_METHOD_SPEC_H_
