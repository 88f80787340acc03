// What a user asked for: a method and its parameters.
#ifndef NORMD_CORE_METHOD_SPEC_H_
#define NORMD_CORE_METHOD_SPEC_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "core/kernels/epsilon.h"
#include "core/method/method.h"
#include "core/method/profile.h"
#include "core/statistics/estimator.h"
#include "core/tensor/element_type.h"
#include "core/tensor/shape.h"

namespace normd {

enum class NonFinitePolicy { kReject, kPropagate };

// gamma or beta: a small tensor, held as float64.
struct AffineParameter {
  Shape shape;
  std::vector<double> values;
};

// The norm that LpNorm divides by.
enum class LpOrder { kOne, kTwo, kInfinity };

// Parameters that a method does not have stay unset (the proto cannot express them).
struct NormalizationSpec {
  Method method = Method::kLayerNorm;
  Profile profile = Profile::kPyTorch;
  std::optional<double> epsilon;
  std::optional<EpsilonPlacement> epsilon_placement;
  std::optional<int> channel_axis;     // within [N, row_shape...]; kChannel and kChannelGroup
  std::optional<int> normalized_rank;  // kTrailingDimensions; kNothing: gamma's and beta's rank
  std::optional<int64_t> group_count;  // GroupNorm
  std::optional<double> partial;       // RMSNorm: the share of elements, from the first on
  std::optional<LpOrder> order;        // LpNorm
  std::optional<double> gain;          // ScaleNorm's gain; DynamicTanh's alpha
  std::optional<double> low;           // min-max
  std::optional<double> high;
  std::optional<bool> center;  // standardization
  std::optional<bool> scale;
  std::optional<AffineParameter> gamma;
  std::optional<AffineParameter> beta;
  std::optional<Estimator> estimator;  // methods that keep running statistics
  NonFinitePolicy non_finite = NonFinitePolicy::kReject;
  std::optional<double> clip;  // outputs lie in [-clip, clip]

  // Only after Resolve.
  Epsilon resolved_epsilon() const {
    return {epsilon.value_or(0), epsilon_placement.value_or(EpsilonPlacement::kInsideRoot)};
  }
};

// What the kernel for rows computes for a resolved spec.
kernels::RowStatistic StatisticOf(const NormalizationSpec& spec);

// `spec` with every default written out: its profile's, for input of type `input`. INVALID_ARGUMENT
// with the field's path within the method ("epsilon.value", "channel_axis", "affine.gamma",
// "estimator.token_ema.alpha") where a value is out of its range, not finite, or its size does not
// match its shape, or "clip", which is no method's.
absl::StatusOr<NormalizationSpec> Resolve(NormalizationSpec spec,
                                          ElementType input = ElementType::kFloat32);

// `status` with its field's path, which Resolve or a normalizer gave, made one from the spec's
// parent on: "spec.layer_norm.epsilon.value", "spec.clip".
absl::Status PrefixSpec(const NormalizationSpec& spec, absl::Status status);

}  // namespace normd

#endif  // NORMD_CORE_METHOD_SPEC_H_
