#include "core/method/spec.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"

namespace normd {
namespace {

absl::Status CheckParameter(const char* field, const std::optional<AffineParameter>& parameter) {
  if (!parameter) return absl::OkStatus();
  const absl::StatusOr<int64_t> count = ElementCount(parameter->shape);
  if (!count.ok()) return PrefixField(field, count.status());
  if (*count != static_cast<int64_t>(parameter->values.size())) {
    return InvalidFieldError(field, absl::StrCat("holds ", parameter->values.size(),
                                                 " values for shape ", ToString(parameter->shape)));
  }
  if (!std::all_of(parameter->values.begin(), parameter->values.end(),
                   [](double value) { return std::isfinite(value); })) {
    return InvalidFieldError(field, "must be finite");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<NormalizationSpec> Resolve(NormalizationSpec spec) {
  const MethodTraits& traits = TraitsOf(spec.method);
  if (!spec.epsilon) spec.epsilon = traits.default_epsilon;
  if (!std::isfinite(*spec.epsilon) || *spec.epsilon < 0) {
    return InvalidFieldError("epsilon.value", "must be finite and not negative");
  }
  if (traits.shared_over == SharedOver::kChannel) {
    if (!spec.channel_axis) spec.channel_axis = 1;
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
    if (!spec.estimator) spec.estimator = BatchEma{};
    NORMD_RETURN_IF_ERROR(PrefixField("estimator", Validate(*spec.estimator)));
  }
  NORMD_RETURN_IF_ERROR(CheckParameter("affine.gamma", spec.gamma));
  NORMD_RETURN_IF_ERROR(CheckParameter("affine.beta", spec.beta));
  return spec;
}

}  // namespace normd
