#include "server/rpc/normalization_target.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "core/error/error.h"
#include "core/kernels/row_kernels.h"
#include "server/rpc/proto_conversion.h"
#include "server/rpc/session_name.h"
#include "server/rpc/spec_conversion.h"
#include "server/rpc/tensor_conversion.h"

namespace normd::server {
namespace {

const ChannelNormalizer* ChannelsOf(const std::optional<Normalizer>& normalizer) {
  return std::get_if<ChannelNormalizer>(&*normalizer);
}

absl::Status NoStatisticsError(absl::string_view way_out) {
  return InvalidFieldError(
      "mode", absl::StrCat("without a session there are no running statistics: ", way_out,
                           ", or use TRAINING"));
}

absl::Status NoInverseError() {
  return InvalidFieldError("direction",
                           "INVERSE is for methods that keep running statistics: what the others "
                           "divided by is gone with the row");
}

}  // namespace

template <typename Request>
absl::Status NormalizationTarget::BindTo(const Request& request, v1::ElementType input,
                                         absl::Span<const int64_t> row_shape, SessionStore& store,
                                         const MessageLimits& limits) {
  NORMD_RETURN_IF_ERROR(FromProto(input, "element_type", &input_type_));
  output_type_ = input_type_;
  NORMD_RETURN_IF_ERROR(
      FromProto(request.output_element_type(), "output_element_type", &output_type_));
  absl::StatusOr<RowBatches> batches = RowBatches::Create(row_shape, input_type_, limits);
  if (!batches.ok()) return batches.status();
  batches_ = *std::move(batches);
  max_output_bytes_ = limits.max_message_bytes;
  absl::StatusOr<Normalizer> normalizer =
      InvalidFieldError("target", "must be set: spec or session");
  if (request.has_session()) {
    NORMD_RETURN_IF_ERROR(CheckSessionName("session", request.session()));
    absl::StatusOr<std::shared_ptr<Session>> session = store.Find(request.session());
    if (!session.ok()) return session.status();
    session_ = *std::move(session);
    lease_ = Session::StreamLease(session_);
    normalizer = CreateNormalizer(session_->spec(), row_shape);
    // A session's spec is right: it is the row that does not fit it.
    if (!normalizer.ok()) return InvalidFieldError("row_shape", normalizer.status().message());
  } else if (request.has_spec()) {
    normalizer = NormalizerFromProto(request.spec(), row_shape, input_type_);
  }
  if (!normalizer.ok()) return normalizer.status();
  normalizer_ = *std::move(normalizer);
  batches_->RestrictTo(StepsOf(*normalizer_));
  return absl::OkStatus();
}

template <typename Request>
absl::Status NormalizationTarget::BindPolicy(const Request& request, bool has_statistics) {
  const absl::StatusOr<StreamingPolicy> policy = PolicyFromProto(request, has_statistics);
  if (!policy.ok()) return policy.status();
  policy_ = *policy;
  const ChannelNormalizer* channels = ChannelsOf(normalizer_);
  if (channels == nullptr) {
    return policy_.direction == Direction::kInverse ? NoInverseError() : absl::OkStatus();
  }
  NORMD_RETURN_IF_ERROR(Validate(policy_, *spec().estimator));
  if (policy_.direction == Direction::kInverse) {
    NORMD_RETURN_IF_ERROR(PrefixSpec(spec(), channels->CheckInvertible()));
  }
  if (session_ == nullptr || channels->channels() == session_->channels()) return absl::OkStatus();
  return WithMetadata(
      WithReason(absl::FailedPreconditionError(
                     absl::StrCat("rows of shape ", ToString(batches_->row_shape()), " have ",
                                  channels->channels(), " channels on axis ", *spec().channel_axis,
                                  ", but ", session_->name(), " has ", session_->channels())),
                 "CHANNEL_COUNT"),
      "expected", absl::StrCat(session_->channels()));
}

absl::Status NormalizationTarget::Bind(const v1::Open& open, SessionStore& store,
                                       const MessageLimits& limits) {
  const Shape row_shape(open.row_shape().begin(), open.row_shape().end());
  NORMD_RETURN_IF_ERROR(BindTo(open, open.element_type(), row_shape, store, limits));
  NORMD_RETURN_IF_ERROR(BindPolicy(open, session_ != nullptr));
  if (ChannelsOf(normalizer_) != nullptr && session_ == nullptr &&
      policy_.mode != BatchNormMode::kTraining) {
    return NoStatisticsError("create a session and name it instead of the spec");
  }
  return absl::OkStatus();
}

absl::Status NormalizationTarget::Bind(const v1::NormalizeRequest& request, SessionStore& store,
                                       const MessageLimits& limits) {
  const auto& shape = request.input().shape();
  const absl::StatusOr<int64_t> elements = ElementCount(shape);
  if (!elements.ok()) return PrefixField("input", elements.status());
  if (shape.size() < 2) {
    return InvalidFieldError("input.shape", "must be that of a batch: [N, row...]");
  }
  const Shape row_shape(shape.begin() + 1, shape.end());
  absl::Status status = BindTo(request, request.input().element_type(), row_shape, store, limits);
  const std::string field = DetailsOf(status).field;
  if (field == "row_shape") return InvalidFieldError("input.shape", status.message());
  if (field == "element_type") return PrefixField("input", status);
  NORMD_RETURN_IF_ERROR(status);
  if (request.has_statistics() && (session_ != nullptr || ChannelsOf(normalizer_) == nullptr)) {
    return InvalidFieldError("statistics", session_ != nullptr
                                               ? "must not be set: the session has its own"
                                               : "must not be set: the method keeps none");
  }
  const bool has_statistics = session_ != nullptr || request.has_statistics();
  NORMD_RETURN_IF_ERROR(BindPolicy(request, has_statistics));
  const ChannelNormalizer* channels = ChannelsOf(normalizer_);
  if (channels == nullptr || session_ != nullptr) return absl::OkStatus();
  if (!has_statistics && policy_.mode == BatchNormMode::kInference) {
    return NoStatisticsError("give `statistics`, or create a session and name it");
  }
  SessionConfig config;
  config.spec = spec();
  config.channels = channels->channels();
  if (request.has_statistics()) {
    absl::StatusOr<StatisticsSnapshot> statistics = FromProto(request.statistics());
    if (!statistics.ok()) return PrefixField("statistics", statistics.status());
    config.initial_statistics = *std::move(statistics);
  }
  absl::StatusOr<std::shared_ptr<Session>> session =
      Session::Create(std::move(config), [] { return absl::Now(); });
  if (!session.ok()) return session.status();
  session_ = *std::move(session);
  return absl::OkStatus();
}

v1::BatchNormMode NormalizationTarget::mode() const {
  return ChannelsOf(normalizer_) == nullptr ? v1::BATCH_NORM_MODE_UNSPECIFIED
                                            : ToProto(policy_.mode);
}

absl::StatusOr<uint64_t> NormalizationTarget::NormalizeRows(ConstElements x, const Rows& rows,
                                                            Patience patience, Executor& executor,
                                                            Elements y) const {
  absl::StatusOr<uint64_t> version = 0;
  if (session_ != nullptr) {
    version = session_->Apply(*ChannelsOf(normalizer_), policy_, x, rows, y, patience, executor);
    if (IsBusy(version.status())) return version;
  } else if (absl::Status status = normd::Normalize(*normalizer_, x, rows, y, executor);
             !status.ok()) {
    version = std::move(status);
  }
  CountRows(version.ok(), x, rows);
  return version;
}

absl::StatusOr<uint64_t> NormalizationTarget::NormalizeSum(ConstElements x, ConstElements residual,
                                                           const Rows& rows, Patience patience,
                                                           Executor& executor, Elements y) const {
  const int64_t size = StepsOf(*normalizer_).TotalSize(rows);
  const auto* within_rows = std::get_if<RowNormalizer>(&*normalizer_);
  if (within_rows != nullptr && input_type_ == output_type_) {
    absl::Status status = within_rows->NormalizeSum(x, residual, rows, y, executor);
    if (!status.ok()) kernels::Add(x, residual, size, y);  // it is refused: to be counted
    CountRows(status.ok(), y, rows);
    if (!status.ok()) return status;
    return 0;
  }
  const auto sum = std::make_unique_for_overwrite<char[]>(size * SizeOf(input_type_));
  kernels::Add(x, residual, size, {input_type_, sum.get()});
  return NormalizeRows({input_type_, sum.get()}, rows, patience, executor, y);
}

void NormalizationTarget::CountRows(bool normalized, ConstElements x, const Rows& rows) const {
  const Method method = spec().method;
  if (normalized) metrics_.CountTokens(method, rows.count);
  const bool rejects = spec().non_finite == NonFinitePolicy::kReject;
  const bool leaves_out =
      ChannelsOf(normalizer_) != nullptr && policy_.mode != BatchNormMode::kInference;
  if (rejects ? normalized : !normalized || !leaves_out) return;
  metrics_.CountRejectedValues(method,
                               kernels::CountNonFinite(x, StepsOf(*normalizer_).TotalSize(rows)));
}

absl::StatusOr<uint64_t> NormalizationTarget::Normalize(
    const ReceivedBatch& batch, Patience patience, Executor& executor,
    absl::FunctionRef<char*(int64_t bytes)> allocate) const {
  const absl::StatusOr<Padding> padding = batches_->PaddingOf(batch);
  if (!padding.ok()) return padding.status();
  const int64_t input_size = SizeOf(input_type_);
  const int64_t output_size = SizeOf(output_type_);
  const int64_t output_bytes = static_cast<int64_t>(batch.data.size()) / input_size * output_size;
  if (output_bytes > max_output_bytes_) {
    return InvalidFieldError(
        "data",
        absl::StrCat("would be answered by ", output_bytes, " bytes, above this server's limit of ",
                     max_output_bytes_, " a message: send fewer rows at once"));
  }
  char* const output = allocate(output_bytes);
  const Rows rows = padding->valid_rows();
  if (padding->empty()) {
    const ConstElements x(input_type_, batch.data.data());
    const Elements y(output_type_, output);
    if (batch.residual.empty()) return NormalizeRows(x, rows, patience, executor, y);
    return NormalizeSum(x, {input_type_, batch.residual.data()}, rows, patience, executor, y);
  }
  const int64_t step_size = batches_->step_size();
  const int64_t valid = padding->valid_steps() * step_size;
  std::string x(valid * input_size, '\0');
  std::string y(valid * output_size, '\0');
  padding->TakeOut(batch.data.data(), step_size * input_size, x.data());
  if (!batch.residual.empty()) {
    std::string residual(x.size(), '\0');
    padding->TakeOut(batch.residual.data(), step_size * input_size, residual.data());
    const Elements sum(input_type_, x.data());
    kernels::Add(sum, {input_type_, residual.data()}, valid, sum);
  }
  absl::StatusOr<uint64_t> version =
      NormalizeRows({input_type_, x.data()}, rows, patience, executor, {output_type_, y.data()});
  if (version.ok()) padding->PutBack(y.data(), step_size * output_size, output);
  return version;
}

}  // namespace normd::server
