#include "server/rpc/proto_conversion.h"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "core/tensor/shape.h"
#include "google/protobuf/util/time_util.h"

namespace normd::server {
namespace {

template <typename Element>
std::vector<double> Widen(const std::string& data) {
  std::vector<Element> elements(data.size() / sizeof(Element));
  std::memcpy(elements.data(), data.data(), elements.size() * sizeof(Element));
  return std::vector<double>(elements.begin(), elements.end());
}

// A parameter's or statistic's tensor as float64.
absl::StatusOr<AffineParameter> FromProto(const v1::Tensor& proto) {
  AffineParameter result;
  result.shape.assign(proto.shape().begin(), proto.shape().end());
  const absl::StatusOr<int64_t> count = ElementCount(result.shape);
  if (!count.ok()) return count.status();
  int64_t element_size = 0;
  if (proto.element_type() == v1::ELEMENT_TYPE_FLOAT32) {
    element_size = sizeof(float);
  } else if (proto.element_type() == v1::ELEMENT_TYPE_FLOAT64) {
    element_size = sizeof(double);
  } else {
    return InvalidFieldError("element_type", "must be FLOAT32 or FLOAT64");
  }
  const auto size = static_cast<int64_t>(proto.data().size());
  if (size % element_size != 0 || size / element_size != *count) {
    return InvalidFieldError(
        "data", absl::StrCat("holds ", size, " bytes, but shape ", ToString(result.shape), " of ",
                             element_size, "-byte elements needs ", *count, " elements"));
  }
  result.values =
      element_size == sizeof(float) ? Widen<float>(proto.data()) : Widen<double>(proto.data());
  return result;
}

void ToProto(absl::Span<const int64_t> shape, absl::Span<const double> values, v1::Tensor* proto) {
  proto->set_element_type(v1::ELEMENT_TYPE_FLOAT64);
  proto->mutable_shape()->Assign(shape.begin(), shape.end());
  proto->set_data(values.data(), values.size() * sizeof(double));
}

void ToProto(absl::Span<const double> values, v1::Tensor* proto) {
  ToProto({static_cast<int64_t>(values.size())}, values, proto);
}

absl::Status ReadEpsilon(const v1::Epsilon& proto, NormalizationSpec& spec) {
  if (proto.has_value()) spec.epsilon = proto.value();
  switch (proto.placement()) {
    case v1::Epsilon::PLACEMENT_UNSPECIFIED:
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
  absl::StatusOr<AffineParameter> tensor = FromProto(proto);
  if (!tensor.ok()) return PrefixField(field, tensor.status());
  parameter = *std::move(tensor);
  return absl::OkStatus();
}

absl::StatusOr<Estimator> FromProto(const v1::Estimator& proto) {
  switch (proto.kind_case()) {
    case v1::Estimator::kCumulative:
      return Cumulative{};
    case v1::Estimator::kCumulativeBatch: {
      CumulativeBatch result;
      if (proto.cumulative_batch().has_unbiased()) {
        result.unbiased = proto.cumulative_batch().unbiased();
      }
      return result;
    }
    case v1::Estimator::kBatchEma: {
      const v1::BatchEma& ema = proto.batch_ema();
      BatchEma result;
      if (ema.convention() == v1::BatchEma::CONVENTION_OLD_WEIGHT) {
        result.convention = MomentumConvention::kOldWeight;
        result.momentum = 1 - result.momentum;
      } else if (!v1::BatchEma::Convention_IsValid(ema.convention())) {
        return InvalidFieldError("batch_ema.convention", "must be NEW_WEIGHT or OLD_WEIGHT");
      }
      if (ema.has_momentum()) result.momentum = ema.momentum();
      if (ema.has_unbiased()) result.unbiased = ema.unbiased();
      return result;
    }
    case v1::Estimator::kTokenEma: {
      TokenEma result;
      if (proto.token_ema().has_alpha()) result.alpha = proto.token_ema().alpha();
      return result;
    }
    case v1::Estimator::KIND_NOT_SET:
      break;
  }
  return BatchEma{};
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
};

// Reads and writes the parameters that a method's message has; which they are, its type tells.
template <typename Message>
absl::Status ReadParameters(const Message& message, NormalizationSpec& spec) {
  if constexpr (requires { message.channel_axis(); }) {
    if (message.has_channel_axis()) spec.channel_axis = message.channel_axis();
  }
  if constexpr (requires { message.normalized_rank(); }) {
    if (message.has_normalized_rank()) spec.normalized_rank = message.normalized_rank();
  }
  if constexpr (requires { message.estimator(); }) {
    absl::StatusOr<Estimator> estimator = FromProto(message.estimator());
    if (!estimator.ok()) return PrefixField("estimator", estimator.status());
    spec.estimator = *estimator;
  }
  NORMD_RETURN_IF_ERROR(ReadEpsilon(message.epsilon(), spec));
  const v1::Affine& affine = message.affine();
  NORMD_RETURN_IF_ERROR(
      ReadParameter(affine.has_gamma(), affine.gamma(), "affine.gamma", spec.gamma));
  return ReadParameter(affine.has_beta(), affine.beta(), "affine.beta", spec.beta);
}

template <typename Message>
void WriteParameters(const NormalizationSpec& spec, Message* message) {
  if constexpr (requires { message->channel_axis(); }) {
    message->set_channel_axis(*spec.channel_axis);
  }
  if constexpr (requires { message->normalized_rank(); }) {
    message->set_normalized_rank(*spec.normalized_rank);
  }
  if constexpr (requires { message->estimator(); }) {
    std::visit(EstimatorWriter{message->mutable_estimator()}, *spec.estimator);
  }
  message->mutable_epsilon()->set_value(*spec.epsilon);
  message->mutable_epsilon()->set_placement(ToProto(spec.epsilon_placement));
  if (spec.gamma) {
    ToProto(spec.gamma->shape, spec.gamma->values, message->mutable_affine()->mutable_gamma());
  }
  if (spec.beta) {
    ToProto(spec.beta->shape, spec.beta->values, message->mutable_affine()->mutable_beta());
  }
}

}  // namespace

absl::StatusOr<NormalizationSpec> FromProto(const v1::NormalizationSpec& proto) {
  NormalizationSpec spec;
  absl::Status status;
  switch (proto.method_case()) {
    case v1::NormalizationSpec::kBatchNorm:
      spec.method = Method::kBatchNorm;
      status = ReadParameters(proto.batch_norm(), spec);
      break;
    case v1::NormalizationSpec::kLayerNorm:
      spec.method = Method::kLayerNorm;
      status = ReadParameters(proto.layer_norm(), spec);
      break;
    case v1::NormalizationSpec::kRmsNorm:
      spec.method = Method::kRmsNorm;
      status = ReadParameters(proto.rms_norm(), spec);
      break;
    case v1::NormalizationSpec::METHOD_NOT_SET:
      return InvalidFieldError("method", "must be set: batch_norm, layer_norm or rms_norm");
  }
  if (!status.ok()) return PrefixField(TraitsOf(spec.method).name, status);
  if (proto.non_finite() == v1::NON_FINITE_POLICY_PROPAGATE) {
    spec.non_finite = NonFinitePolicy::kPropagate;
  } else if (!v1::NonFinitePolicy_IsValid(proto.non_finite())) {
    return InvalidFieldError("non_finite", "must be REJECT or PROPAGATE");
  }
  return spec;
}

void ToProto(const NormalizationSpec& spec, v1::NormalizationSpec* proto) {
  switch (spec.method) {
    case Method::kBatchNorm:
      WriteParameters(spec, proto->mutable_batch_norm());
      break;
    case Method::kLayerNorm:
      WriteParameters(spec, proto->mutable_layer_norm());
      break;
    case Method::kRmsNorm:
      WriteParameters(spec, proto->mutable_rms_norm());
      break;
  }
  proto->set_non_finite(spec.non_finite == NonFinitePolicy::kReject
                            ? v1::NON_FINITE_POLICY_REJECT
                            : v1::NON_FINITE_POLICY_PROPAGATE);
}

absl::StatusOr<StatisticsSnapshot> FromProto(const v1::RunningStatistics& proto) {
  StatisticsSnapshot result;
  if (proto.has_count()) {
    absl::StatusOr<AffineParameter> count = FromProto(proto.count());
    if (!count.ok()) return PrefixField("count", count.status());
    if (count->values.size() != 1) return InvalidFieldError("count", "must hold one value");
    result.count = count->values[0];
  }
  if (!proto.has_mean_variance()) {
    return InvalidFieldError("mean_variance", "must be set in initial statistics");
  }
  absl::StatusOr<AffineParameter> mean = FromProto(proto.mean_variance().mean());
  if (!mean.ok()) return PrefixField("mean_variance.mean", mean.status());
  absl::StatusOr<AffineParameter> variance = FromProto(proto.mean_variance().variance());
  if (!variance.ok()) return PrefixField("mean_variance.variance", variance.status());
  result.mean = std::move(mean->values);
  result.variance = std::move(variance->values);
  result.batches = proto.batches();
  return result;
}

void ToProto(const StatisticsSnapshot& statistics, uint64_t version, v1::RunningStatistics* proto) {
  ToProto(absl::MakeConstSpan(&statistics.count, 1), proto->mutable_count());
  ToProto(statistics.mean, proto->mutable_mean_variance()->mutable_mean());
  ToProto(statistics.variance, proto->mutable_mean_variance()->mutable_variance());
  proto->set_batches(statistics.batches);
  proto->set_version(version);
}

absl::StatusOr<absl::Duration> FromProto(const google::protobuf::Duration& proto) {
  if (proto.seconds() < 0 || proto.nanos() < 0 || proto.nanos() > 999'999'999) {
    return absl::InvalidArgumentError("must be a valid duration of at least 0");
  }
  return absl::Seconds(proto.seconds()) + absl::Nanoseconds(proto.nanos());
}

absl::StatusOr<StreamingPolicy> PolicyFromProto(const v1::Open& open, bool has_session) {
  StreamingPolicy policy;
  switch (open.mode()) {
    case v1::BATCH_NORM_MODE_UNSPECIFIED:
      policy.mode = has_session ? BatchNormMode::kInference : BatchNormMode::kTraining;
      break;
    case v1::BATCH_NORM_MODE_TRAINING:
      policy.mode = BatchNormMode::kTraining;
      break;
    case v1::BATCH_NORM_MODE_INFERENCE:
      policy.mode = BatchNormMode::kInference;
      break;
    case v1::BATCH_NORM_MODE_STREAMING:
      policy.mode = BatchNormMode::kStreaming;
      break;
    default:
      return InvalidFieldError("mode", "must be TRAINING, INFERENCE or STREAMING");
  }
  if (!v1::UpdateOrder_IsValid(open.update_order())) {
    return InvalidFieldError("update_order", "is not an order that this server knows");
  }
  if (!v1::UpdateGranularity_IsValid(open.update_granularity())) {
    return InvalidFieldError("update_granularity", "is not a granularity that this server knows");
  }
  if (!v1::OnFrozen_IsValid(open.on_frozen())) {
    return InvalidFieldError("on_frozen", "must be ERROR or NORMALIZE_ONLY");
  }
  if (open.update_order() == v1::UPDATE_ORDER_NORMALIZE_THEN_UPDATE) {
    policy.order = UpdateOrder::kNormalizeThenUpdate;
  }
  if (open.update_granularity() == v1::UPDATE_GRANULARITY_PER_CHUNK) {
    policy.granularity = UpdateGranularity::kPerChunk;
  }
  if (open.on_frozen() == v1::ON_FROZEN_NORMALIZE_ONLY) {
    policy.on_frozen = OnFrozen::kNormalizeOnly;
  }
  return policy;
}

v1::BatchNormMode ToProto(BatchNormMode mode) {
  switch (mode) {
    case BatchNormMode::kTraining:
      return v1::BATCH_NORM_MODE_TRAINING;
    case BatchNormMode::kStreaming:
      return v1::BATCH_NORM_MODE_STREAMING;
    case BatchNormMode::kInference:
      break;
  }
  return v1::BATCH_NORM_MODE_INFERENCE;
}

void ToProto(const MethodTraits& traits, v1::MethodInfo* proto) {
  proto->set_name(std::string(traits.name));
  proto->set_title(std::string(traits.title));
  proto->set_shares_statistics_over(std::string(traits.shared_over_words));
  proto->set_formula(std::string(traits.formula));
  proto->set_depends_on_batch(traits.depends_on_batch);
  proto->set_keeps_running_statistics(traits.keeps_running_statistics);
  proto->set_same_in_training_and_inference(traits.same_in_training_and_inference);
  proto->set_typical_use(std::string(traits.typical_use));
  proto->set_default_epsilon(traits.default_epsilon);
}

namespace {

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  return google::protobuf::util::TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(time));
}

}  // namespace

void ToProto(const SessionSnapshot& session, v1::Session* proto) {
  proto->set_name(session.name);
  ToProto(session.spec, proto->mutable_spec());
  proto->set_channel_count(session.channels);
  proto->set_frozen(session.frozen);
  ToProto(session.statistics, session.version, proto->mutable_statistics());
  *proto->mutable_create_time() = ToTimestamp(session.create_time);
  *proto->mutable_update_time() = ToTimestamp(session.update_time);
  if (session.expire_time < absl::InfiniteFuture()) {
    *proto->mutable_expire_time() = ToTimestamp(session.expire_time);
  }
  const bool expires = session.idle_timeout < absl::InfiniteDuration();
  proto->mutable_idle_timeout()->set_seconds(expires ? absl::ToInt64Seconds(session.idle_timeout)
                                                     : 0);
  if (expires) {
    proto->mutable_idle_timeout()->set_nanos(
        static_cast<int32_t>((session.idle_timeout % absl::Seconds(1)) / absl::Nanoseconds(1)));
  }
  proto->set_etag(session.etag);
  proto->set_uid(session.uid);
}

}  // namespace normd::server
