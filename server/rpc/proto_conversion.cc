#include "server/rpc/proto_conversion.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/error/error.h"
#include "server/rpc/spec_conversion.h"
#include "server/rpc/tensor_conversion.h"

namespace normd::server {

namespace {

absl::Status ReadValues(const v1::Tensor& proto, absl::string_view field,
                        std::vector<double>& values) {
  absl::StatusOr<AffineParameter> tensor = ReadTensor(proto);
  if (!tensor.ok()) return PrefixField(field, tensor.status());
  values = std::move(tensor->values);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StatisticsSnapshot> FromProto(const v1::RunningStatistics& proto) {
  StatisticsSnapshot result;
  if (proto.has_count()) {
    std::vector<double> count;
    NORMD_RETURN_IF_ERROR(ReadValues(proto.count(), "count", count));
    if (count.size() != 1) return InvalidFieldError("count", "must hold one value");
    result.count = count[0];
  }
  result.batches = proto.batches();
  if (proto.has_minimum_maximum()) {
    const v1::MinimumMaximum& extremes = proto.minimum_maximum();
    NORMD_RETURN_IF_ERROR(
        ReadValues(extremes.minimum(), "minimum_maximum.minimum", result.minimum));
    NORMD_RETURN_IF_ERROR(
        ReadValues(extremes.maximum(), "minimum_maximum.maximum", result.maximum));
  } else if (proto.has_mean_variance()) {
    const v1::MeanVariance& moments = proto.mean_variance();
    NORMD_RETURN_IF_ERROR(ReadValues(moments.mean(), "mean_variance.mean", result.mean));
    NORMD_RETURN_IF_ERROR(
        ReadValues(moments.variance(), "mean_variance.variance", result.variance));
  } else {
    return InvalidFieldError("kind", "must be set: mean_variance or minimum_maximum");
  }
  return result;
}

void ToProto(const StatisticsSnapshot& statistics, uint64_t version, v1::RunningStatistics* proto) {
  WriteTensor(absl::MakeConstSpan(&statistics.count, 1), proto->mutable_count());
  if (!statistics.minimum.empty()) {
    v1::MinimumMaximum* extremes = proto->mutable_minimum_maximum();
    WriteTensor(statistics.minimum, extremes->mutable_minimum());
    WriteTensor(statistics.maximum, extremes->mutable_maximum());
  } else {
    v1::MeanVariance* moments = proto->mutable_mean_variance();
    WriteTensor(statistics.mean, moments->mutable_mean());
    WriteTensor(statistics.variance, moments->mutable_variance());
  }
  proto->set_batches(statistics.batches);
  proto->set_version(version);
}

absl::StatusOr<absl::Duration> FromProto(const google::protobuf::Duration& proto) {
  // The most that a Duration may hold: about 10,000 years.
  constexpr int64_t kLargestSeconds = 315'576'000'000;
  if (proto.seconds() < 0 || proto.seconds() > kLargestSeconds || proto.nanos() < 0 ||
      proto.nanos() > 999'999'999) {
    return absl::InvalidArgumentError("must be a valid duration of at least 0");
  }
  return absl::Seconds(proto.seconds()) + absl::Nanoseconds(proto.nanos());
}

template <typename Request>
absl::StatusOr<StreamingPolicy> PolicyFromProto(const Request& request, bool has_statistics) {
  StreamingPolicy policy;
  switch (request.mode()) {
    case v1::BATCH_NORM_MODE_UNSPECIFIED:
      policy.mode = has_statistics ? BatchNormMode::kInference : BatchNormMode::kTraining;
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
  if (!v1::UpdateOrder_IsValid(request.update_order())) {
    return InvalidFieldError("update_order", "is not an order that this server knows");
  }
  if (!v1::UpdateGranularity_IsValid(request.update_granularity())) {
    return InvalidFieldError("update_granularity", "is not a granularity that this server knows");
  }
  if (!v1::OnFrozen_IsValid(request.on_frozen())) {
    return InvalidFieldError("on_frozen", "must be ERROR or NORMALIZE_ONLY");
  }
  if (!v1::Direction_IsValid(request.direction())) {
    return InvalidFieldError("direction", "must be FORWARD or INVERSE");
  }
  if (request.direction() == v1::DIRECTION_INVERSE) policy.direction = Direction::kInverse;
  if (request.update_order() == v1::UPDATE_ORDER_NORMALIZE_THEN_UPDATE) {
    policy.order = UpdateOrder::kNormalizeThenUpdate;
  }
  if (request.update_granularity() == v1::UPDATE_GRANULARITY_PER_CHUNK) {
    policy.granularity = UpdateGranularity::kPerChunk;
  }
  if (request.on_frozen() == v1::ON_FROZEN_NORMALIZE_ONLY) {
    policy.on_frozen = OnFrozen::kNormalizeOnly;
  }
  return policy;
}

template absl::StatusOr<StreamingPolicy> PolicyFromProto(const v1::Open&, bool);
template absl::StatusOr<StreamingPolicy> PolicyFromProto(const v1::NormalizeRequest&, bool);

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
  proto->set_fixes(std::string(traits.fixes));
  if (traits.epsilon) proto->set_default_epsilon(traits.epsilon->front().value);
}

namespace {

google::protobuf::Timestamp ToTimestamp(absl::Time time) {
  // The last second that a Timestamp may hold, of the year 9999.
  constexpr int64_t kLargestSeconds = 253'402'300'799;
  google::protobuf::Timestamp result;
  const int64_t seconds = absl::ToUnixSeconds(time);
  result.set_seconds(std::min(seconds, kLargestSeconds));
  result.set_nanos(
      static_cast<int32_t>((time - absl::FromUnixSeconds(seconds)) / absl::Nanoseconds(1)));
  return result;
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
