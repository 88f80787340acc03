#include "server/rpc/spec_conversion.h"

#include <utility>

#include "core/error/error.h"
#include "server/rpc/tensor_conversion.h"

namespace normd::server {
namespace {

absl::Status ReadEpsilon(const v1::Epsilon& proto, NormalizationSpec& spec) {
  if (proto.has_value()) spec.epsilon = proto.value();
  switch (proto.placement()) {
    case v1::Epsilon::PLACEMENT_UNSPECIFIED:
      return absl::OkStatus();
    case v1::Epsilon::PLACEMENT_INSIDE_ROOT:
      spec.epsilon_placement = EpsilonPlacement::kInsideRoot;
      return absl::OkStatus();
    case v1::Epsilon::PLACEMENT_OUTSIDE_ROOT:
      spec.epsilon_placement = EpsilonPlacement::kOutsideRoot;
      return absl::OkStatus();
    case v1::Epsilon::PLACEMENT_CLAMP_VARIANCE:
      spec.epsilon_placement = EpsilonPlacement::kClampVariance;
      return absl::OkStatus();
    case v1::Epsilon::PLACEMENT_CLAMP_DEVIATION:
      spec.epsilon_placement = EpsilonPlacement::kClampDeviation;
      return absl::OkStatus();
    default:
      return InvalidFieldError("epsilon.placement", "is not a placement that this server knows");
  }
}

v1::Epsilon::Placement ToProto(EpsilonPlacement placement) {
  switch (placement) {
    case EpsilonPlacement::kOutsideRoot:
      return v1::Epsilon::PLACEMENT_OUTSIDE_ROOT;
    case EpsilonPlacement::kClampVariance:
      return v1::Epsilon::PLACEMENT_CLAMP_VARIANCE;
    case EpsilonPlacement::kClampDeviation:
      return v1::Epsilon::PLACEMENT_CLAMP_DEVIATION;
    case EpsilonPlacement::kInsideRoot:
      break;
  }
  return v1::Epsilon::PLACEMENT_INSIDE_ROOT;
}

absl::Status ReadParameter(bool present, const v1::Tensor& proto, absl::string_view field,
                           std::optional<AffineParameter>& parameter) {
  if (!present) return absl::OkStatus();
  absl::StatusOr<AffineParameter> tensor = ReadTensor(proto);
  if (!tensor.ok()) return PrefixField(field, tensor.status());
  parameter = *std::move(tensor);
  return absl::OkStatus();
}

absl::StatusOr<BatchEma> FromProto(const v1::BatchEma& proto, Profile profile) {
  BatchEma result = DefaultBatchEma(profile);
  const MomentumConvention preset = result.convention;
  if (proto.convention() == v1::BatchEma::CONVENTION_OLD_WEIGHT) {
    result.convention = MomentumConvention::kOldWeight;
  } else if (proto.convention() == v1::BatchEma::CONVENTION_NEW_WEIGHT) {
    result.convention = MomentumConvention::kNewWeight;
  } else if (proto.convention() != v1::BatchEma::CONVENTION_UNSPECIFIED) {
    return InvalidFieldError("batch_ema.convention", "must be NEW_WEIGHT or OLD_WEIGHT");
  }
  if (result.convention != preset) result.momentum = 1 - result.momentum;
  if (proto.has_momentum()) result.momentum = proto.momentum();
  if (proto.has_unbiased()) result.unbiased = proto.unbiased();
  return result;
}

// Nothing where the profile chooses.
absl::StatusOr<std::optional<Estimator>> FromProto(const v1::Estimator& proto, Profile profile) {
  switch (proto.kind_case()) {
    case v1::Estimator::kCumulative:
      return Cumulative{};
    case v1::Estimator::kCumulativeBatch: {
      CumulativeBatch result = DefaultCumulativeBatch(profile);
      if (proto.cumulative_batch().has_unbiased()) {
        result.unbiased = proto.cumulative_batch().unbiased();
      }
      return result;
    }
    case v1::Estimator::kBatchEma: {
      const absl::StatusOr<BatchEma> result = FromProto(proto.batch_ema(), profile);
      if (!result.ok()) return result.status();
      return *result;
    }
    case v1::Estimator::kTokenEma: {
      TokenEma result;
      if (proto.token_ema().has_alpha()) result.alpha = proto.token_ema().alpha();
      return result;
    }
    case v1::Estimator::KIND_NOT_SET:
      break;
  }
  return std::nullopt;
}

struct EstimatorWriter {
  v1::Estimator* proto;

  void operator()(const Cumulative&) const { proto->mutable_cumulative(); }
  void operator()(const CumulativeBatch& estimator) const {
    proto->mutable_cumulative_batch()->set_unbiased(estimator.unbiased);
  }
  void operator()(const BatchEma& estimator) const {
    v1::BatchEma* ema = proto->mutable_batch_ema();
    ema->set_momentum(estimator.momentum);
    ema->set_convention(estimator.convention == MomentumConvention::kNewWeight
                            ? v1::BatchEma::CONVENTION_NEW_WEIGHT
                            : v1::BatchEma::CONVENTION_OLD_WEIGHT);
    ema->set_unbiased(estimator.unbiased);
  }
  void operator()(const TokenEma& estimator) const {
    proto->mutable_token_ema()->set_alpha(estimator.alpha);
  }
  void operator()(const RunningExtremes& /*estimator*/) const {}  // MinMax has no choice
};

absl::StatusOr<Profile> FromProto(v1::Profile profile) {
  switch (profile) {
    case v1::PROFILE_UNSPECIFIED:
    case v1::PROFILE_PYTORCH:
      return Profile::kPyTorch;
    case v1::PROFILE_KERAS:
      return Profile::kKeras;
    case v1::PROFILE_FLAX:
      return Profile::kFlax;
    case v1::PROFILE_ONNX:
      return Profile::kOnnx;
    default:
      return InvalidFieldError("profile", "must be PYTORCH, KERAS, FLAX or ONNX");
  }
}

v1::Profile ToProto(Profile profile) {
  switch (profile) {
    case Profile::kKeras:
      return v1::PROFILE_KERAS;
    case Profile::kFlax:
      return v1::PROFILE_FLAX;
    case Profile::kOnnx:
      return v1::PROFILE_ONNX;
    case Profile::kPyTorch:
      break;
  }
  return v1::PROFILE_PYTORCH;
}

absl::StatusOr<LpOrder> FromProto(v1::LpNorm::Order order) {
  switch (order) {
    case v1::LpNorm::ORDER_ONE:
      return LpOrder::kOne;
    case v1::LpNorm::ORDER_UNSPECIFIED:
    case v1::LpNorm::ORDER_TWO:
      return LpOrder::kTwo;
    case v1::LpNorm::ORDER_INFINITY:
      return LpOrder::kInfinity;
    default:
      return InvalidFieldError("order", "must be ONE, TWO or INFINITY");
  }
}

v1::LpNorm::Order ToProto(LpOrder order) {
  switch (order) {
    case LpOrder::kOne:
      return v1::LpNorm::ORDER_ONE;
    case LpOrder::kInfinity:
      return v1::LpNorm::ORDER_INFINITY;
    case LpOrder::kTwo:
      break;
  }
  return v1::LpNorm::ORDER_TWO;
}

// Reads and writes the parameters that a method's message has; which they are, its type tells.
template <typename Message>
absl::Status ReadParameters(const Message& message, NormalizationSpec& spec) {
  if constexpr (requires { message.channel_axis(); }) {
    if (message.has_channel_axis()) spec.channel_axis = message.channel_axis();
  }
  if constexpr (requires { message.normalized_rank(); }) {
    if (message.has_normalized_rank()) spec.normalized_rank = message.normalized_rank();
  }
  if constexpr (requires { message.group_count(); }) {
    if (message.has_group_count()) spec.group_count = message.group_count();
  }
  if constexpr (requires { message.partial(); }) {
    if (message.has_partial()) spec.partial = message.partial();
  }
  if constexpr (requires { message.gain(); }) {
    if (message.has_gain()) spec.gain = message.gain();
  }
  if constexpr (requires { message.alpha(); }) {
    if (message.has_alpha()) spec.gain = message.alpha();
  }
  if constexpr (requires { message.low(); }) {
    if (message.has_low()) spec.low = message.low();
    if (message.has_high()) spec.high = message.high();
  }
  if constexpr (requires { message.center(); }) {
    if (message.has_center()) spec.center = message.center();
    if (message.has_scale()) spec.scale = message.scale();
  }
  if constexpr (requires { message.order(); }) {
    const absl::StatusOr<LpOrder> order = FromProto(message.order());
    if (!order.ok()) return order.status();
    spec.order = *order;
  }
  if constexpr (requires { message.estimator(); }) {
    const auto estimator = FromProto(message.estimator(), spec.profile);
    if (!estimator.ok()) return PrefixField("estimator", estimator.status());
    spec.estimator = *estimator;
  }
  if constexpr (requires { message.epsilon(); }) {
    NORMD_RETURN_IF_ERROR(ReadEpsilon(message.epsilon(), spec));
  }
  if constexpr (requires { message.affine(); }) {
    const v1::Affine& affine = message.affine();
    NORMD_RETURN_IF_ERROR(
        ReadParameter(affine.has_gamma(), affine.gamma(), "affine.gamma", spec.gamma));
    NORMD_RETURN_IF_ERROR(
        ReadParameter(affine.has_beta(), affine.beta(), "affine.beta", spec.beta));
  }
  return absl::OkStatus();
}

template <typename Message>
void WriteParameters(const NormalizationSpec& spec, Message* message) {
  if constexpr (requires { message->channel_axis(); }) {
    message->set_channel_axis(*spec.channel_axis);
  }
  if constexpr (requires { message->normalized_rank(); }) {
    message->set_normalized_rank(*spec.normalized_rank);
  }
  if constexpr (requires { message->group_count(); }) message->set_group_count(*spec.group_count);
  if constexpr (requires { message->partial(); }) message->set_partial(*spec.partial);
  if constexpr (requires { message->gain(); }) {
    if (spec.gain) message->set_gain(*spec.gain);  // else it follows each row's size
  }
  if constexpr (requires { message->alpha(); }) message->set_alpha(*spec.gain);
  if constexpr (requires { message->low(); }) {
    message->set_low(*spec.low);
    message->set_high(*spec.high);
  }
  if constexpr (requires { message->center(); }) {
    message->set_center(*spec.center);
    message->set_scale(*spec.scale);
  }
  if constexpr (requires { message->order(); }) message->set_order(ToProto(*spec.order));
  if constexpr (requires { message->estimator(); }) {
    std::visit(EstimatorWriter{message->mutable_estimator()}, *spec.estimator);
  }
  if constexpr (requires { message->epsilon(); }) {
    message->mutable_epsilon()->set_value(*spec.epsilon);
    message->mutable_epsilon()->set_placement(ToProto(*spec.epsilon_placement));
  }
  if constexpr (requires { message->affine(); }) {
    if (spec.gamma) {
      WriteTensor(spec.gamma->shape, spec.gamma->values,
                  message->mutable_affine()->mutable_gamma());
    }
    if (spec.beta) {
      WriteTensor(spec.beta->shape, spec.beta->values, message->mutable_affine()->mutable_beta());
    }
  }
}

}  // namespace

absl::StatusOr<NormalizationSpec> FromProto(const v1::NormalizationSpec& proto) {
  NormalizationSpec spec;
  const absl::StatusOr<Profile> profile = FromProto(proto.profile());
  if (!profile.ok()) return profile.status();
  spec.profile = *profile;
  if (proto.has_clip()) spec.clip = proto.clip();
  absl::Status status;
  const auto read = [&](Method method, const auto& message) {
    spec.method = method;
    status = ReadParameters(message, spec);
  };
  switch (proto.method_case()) {
    case v1::NormalizationSpec::kBatchNorm:
      read(Method::kBatchNorm, proto.batch_norm());
      break;
    case v1::NormalizationSpec::kDynamicTanh:
      read(Method::kDynamicTanh, proto.dynamic_tanh());
      break;
    case v1::NormalizationSpec::kGroupNorm:
      read(Method::kGroupNorm, proto.group_norm());
      break;
    case v1::NormalizationSpec::kInstanceNorm:
      read(Method::kInstanceNorm, proto.instance_norm());
      break;
    case v1::NormalizationSpec::kLayerNorm:
      read(Method::kLayerNorm, proto.layer_norm());
      break;
    case v1::NormalizationSpec::kLpNorm:
      read(Method::kLpNorm, proto.lp_norm());
      break;
    case v1::NormalizationSpec::kRmsNorm:
      read(Method::kRmsNorm, proto.rms_norm());
      break;
    case v1::NormalizationSpec::kScaleNorm:
      read(Method::kScaleNorm, proto.scale_norm());
      break;
    case v1::NormalizationSpec::kMinMax:
      read(Method::kMinMax, proto.min_max());
      break;
    case v1::NormalizationSpec::kRowMinMax:
      read(Method::kRowMinMax, proto.row_min_max());
      break;
    case v1::NormalizationSpec::kRowStandardization:
      read(Method::kRowStandardization, proto.row_standardization());
      break;
    case v1::NormalizationSpec::kStandardization:
      read(Method::kStandardization, proto.standardization());
      break;
    case v1::NormalizationSpec::METHOD_NOT_SET:
      return InvalidFieldError("method", "must be set; ListMethods knows what there is");
  }
  if (!status.ok()) return PrefixField(TraitsOf(spec.method).name, status);
  if (proto.non_finite() == v1::NON_FINITE_POLICY_PROPAGATE) {
    spec.non_finite = NonFinitePolicy::kPropagate;
  } else if (!v1::NonFinitePolicy_IsValid(proto.non_finite())) {
    return InvalidFieldError("non_finite", "must be REJECT or PROPAGATE");
  }
  return spec;
}

absl::StatusOr<Normalizer> NormalizerFromProto(const v1::NormalizationSpec& proto,
                                               absl::Span<const int64_t> row_shape,
                                               ElementType input) {
  const absl::StatusOr<NormalizationSpec> given = FromProto(proto);
  if (!given.ok()) return PrefixField("spec", given.status());
  const absl::StatusOr<NormalizationSpec> spec = Resolve(*given, input);
  if (!spec.ok()) return PrefixSpec(*given, spec.status());
  absl::StatusOr<Normalizer> normalizer = CreateNormalizer(*spec, row_shape);
  if (normalizer.ok() || DetailsOf(normalizer.status()).field == "row_shape") return normalizer;
  return PrefixSpec(*spec, normalizer.status());
}

void ToProto(const NormalizationSpec& spec, v1::NormalizationSpec* proto) {
  switch (spec.method) {
    case Method::kBatchNorm:
      WriteParameters(spec, proto->mutable_batch_norm());
      break;
    case Method::kDynamicTanh:
      WriteParameters(spec, proto->mutable_dynamic_tanh());
      break;
    case Method::kGroupNorm:
      WriteParameters(spec, proto->mutable_group_norm());
      break;
    case Method::kInstanceNorm:
      WriteParameters(spec, proto->mutable_instance_norm());
      break;
    case Method::kLayerNorm:
      WriteParameters(spec, proto->mutable_layer_norm());
      break;
    case Method::kLpNorm:
      WriteParameters(spec, proto->mutable_lp_norm());
      break;
    case Method::kRmsNorm:
      WriteParameters(spec, proto->mutable_rms_norm());
      break;
    case Method::kScaleNorm:
      WriteParameters(spec, proto->mutable_scale_norm());
      break;
    case Method::kStandardization:
      WriteParameters(spec, proto->mutable_standardization());
      break;
    case Method::kRowStandardization:
      WriteParameters(spec, proto->mutable_row_standardization());
      break;
    case Method::kRowMinMax:
      WriteParameters(spec, proto->mutable_row_min_max());
      break;
    case Method::kMinMax:
      WriteParameters(spec, proto->mutable_min_max());
      break;
  }
  proto->set_profile(ToProto(spec.profile));
  if (spec.clip) proto->set_clip(*spec.clip);
  proto->set_non_finite(spec.non_finite == NonFinitePolicy::kReject
                            ? v1::NON_FINITE_POLICY_REJECT
                            : v1::NON_FINITE_POLICY_PROPAGATE);
}

}  // namespace normd::server
