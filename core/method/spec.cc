#include "core/method/spec.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"

namespace normd {
namespace {

constexpr char kClip[] = "clip";
constexpr char kMustBeFloat[] = "must be finite, and within float32's range";

// Within float32's range the products with whatever a statistic gives stay finite.
bool IsWithinFloatRange(double value) {
  return std::fabs(value) <= std::numeric_limits<float>::max();
}

absl::Status CheckParameter(const char* field, const std::optional<AffineParameter>& parameter) {
  if (!parameter) return absl::OkStatus();
  const absl::StatusOr<int64_t> count = ElementCount(parameter->shape);
  if (!count.ok()) return PrefixField(field, count.status());
  if (*count != static_cast<int64_t>(parameter->values.size())) {
    return InvalidFieldError(field, absl::StrCat("holds ", parameter->values.size(),
                                                 " values for shape ", ToString(parameter->shape)));
  }
  if (!std::all_of(parameter->values.begin(), parameter->values.end(), IsWithinFloatRange)) {
    return InvalidFieldError(field, kMustBeFloat);
  }
  return absl::OkStatus();
}

// 0: there is none.
int64_t DefaultGroupCount(Profile profile) {
  return profile == Profile::kKeras || profile == Profile::kFlax ? 32 : 0;
}

// Fills what only some methods have.
absl::Status ResolveOwnParameters(NormalizationSpec& spec) {
  switch (spec.method) {
    case Method::kGroupNorm:
      if (!spec.group_count && DefaultGroupCount(spec.profile) > 0) {
        spec.group_count = DefaultGroupCount(spec.profile);
      }
      if (!spec.group_count) return InvalidFieldError("group_count", "must be set");
      if (*spec.group_count < 1) return InvalidFieldError("group_count", "must be at least 1");
      return absl::OkStatus();
    case Method::kRmsNorm:
      if (!spec.partial) spec.partial = 1;
      if (!(*spec.partial > 0 && *spec.partial <= 1)) {
        return InvalidFieldError("partial", "must be above 0 and at most 1");
      }
      return absl::OkStatus();
    case Method::kLpNorm:
      if (!spec.order) spec.order = LpOrder::kTwo;
      return absl::OkStatus();
    case Method::kScaleNorm:  // the default needs the row's size
      if (spec.gain && !IsWithinFloatRange(*spec.gain)) {
        return InvalidFieldError("gain", kMustBeFloat);
      }
      return absl::OkStatus();
    case Method::kDynamicTanh:
      if (!spec.gain) spec.gain = 0.5;
      if (!std::isfinite(*spec.gain)) return InvalidFieldError("alpha", "must be finite");
      return absl::OkStatus();
    case Method::kMinMax:
    case Method::kRowMinMax:
      if (!spec.low) spec.low = 0;
      if (!spec.high) spec.high = 1;
      if (!IsWithinFloatRange(*spec.low)) return InvalidFieldError("low", kMustBeFloat);
      if (!IsWithinFloatRange(*spec.high)) return InvalidFieldError("high", kMustBeFloat);
      if (*spec.high <= *spec.low) return InvalidFieldError("high", "must be above low");
      return absl::OkStatus();
    case Method::kRowStandardization:
    case Method::kStandardization:
      spec.center = spec.center.value_or(true);
      spec.scale = spec.scale.value_or(true);
      return absl::OkStatus();
    case Method::kBatchNorm:
    case Method::kInstanceNorm:
    case Method::kLayerNorm:
      break;
  }
  return absl::OkStatus();
}

Epsilon DefaultEpsilon(const NormalizationSpec& spec, ElementType input) {
  Epsilon result = (*TraitsOf(spec.method).epsilon)[static_cast<size_t>(spec.profile)];
  const bool is_torch_rms = spec.method == Method::kRmsNorm && spec.profile == Profile::kPyTorch;
  if (is_torch_rms && input == ElementType::kFloat64) result.value = 0x1p-52;  // machine epsilon
  return result;
}

Estimator DefaultEstimator(const NormalizationSpec& spec) {
  if (spec.method == Method::kMinMax) return RunningExtremes{};
  if (spec.method == Method::kStandardization) return Cumulative{};
  return DefaultBatchEma(spec.profile);
}

}  // namespace

absl::StatusOr<NormalizationSpec> Resolve(NormalizationSpec spec, ElementType input) {
  const MethodTraits& traits = TraitsOf(spec.method);
  if (traits.epsilon) {
    const Epsilon preset = DefaultEpsilon(spec, input);
    if (!spec.epsilon) spec.epsilon = preset.value;
    if (!spec.epsilon_placement) spec.epsilon_placement = preset.placement;
    if (!std::isfinite(*spec.epsilon) || *spec.epsilon < 0) {
      return InvalidFieldError("epsilon.value", "must be finite and not negative");
    }
  }
  if (traits.shared_over == SharedOver::kChannel ||
      traits.shared_over == SharedOver::kChannelGroup) {
    if (!spec.channel_axis) spec.channel_axis = DefaultChannelAxis(spec.profile);
    if (*spec.channel_axis == 0) {
      return InvalidFieldError("channel_axis", "is 0, the batch; rows start at axis 1");
    }
  } else {
    if (!spec.normalized_rank) spec.normalized_rank = 1;
    if (*spec.normalized_rank < 1) {
      return InvalidFieldError("normalized_rank", "must be at least 1");
    }
  }
  if (traits.keeps_running_statistics) {
    if (!spec.estimator) spec.estimator = DefaultEstimator(spec);
    NORMD_RETURN_IF_ERROR(PrefixField("estimator", Validate(*spec.estimator)));
  }
  if (spec.clip && !(*spec.clip > 0 && std::isfinite(*spec.clip))) {
    return InvalidFieldError(kClip, "must be above 0 and finite");
  }
  NORMD_RETURN_IF_ERROR(ResolveOwnParameters(spec));
  NORMD_RETURN_IF_ERROR(CheckParameter("affine.gamma", spec.gamma));
  NORMD_RETURN_IF_ERROR(CheckParameter("affine.beta", spec.beta));
  return spec;
}

absl::Status PrefixSpec(const NormalizationSpec& spec, absl::Status status) {
  if (DetailsOf(status).field != kClip) {
    status = PrefixField(TraitsOf(spec.method).name, std::move(status));
  }
  return PrefixField("spec", std::move(status));
}

kernels::RowStatistic StatisticOf(const NormalizationSpec& spec) {
  if (spec.order == LpOrder::kOne) return kernels::RowStatistic::kMagnitudeSum;
  if (spec.order == LpOrder::kInfinity) return kernels::RowStatistic::kLargestMagnitude;
  return TraitsOf(spec.method).statistic;
}

}  // namespace normd
