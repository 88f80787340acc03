#include "server/rpc/stream_session.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "core/tensor/shape.h"
#include "server/rpc/proto_conversion.h"
#include "server/rpc/session_name.h"
#include "server/rpc/spec_conversion.h"
#include "server/rpc/status_mapping.h"

namespace normd::server {
namespace {

// Core sees the method's fields; the client wrote them below "open.spec.<method>".
absl::Status PrefixSpec(const NormalizationSpec& spec, absl::Status status) {
  return PrefixField(absl::StrCat("open.spec.", TraitsOf(spec.method).name), std::move(status));
}

}  // namespace

// A method that needs no session.
template <typename Normalizer>
absl::Status StreamSession::BindStateless(NormalizationSpec& spec,
                                          absl::Span<const int64_t> row_shape) {
  absl::StatusOr<Normalizer> normalizer = Normalizer::Create(spec, row_shape);
  if (!normalizer.ok()) return PrefixSpec(spec, normalizer.status());
  spec = normalizer->spec();
  normalizer_ = *std::move(normalizer);
  return absl::OkStatus();
}

absl::Status StreamSession::Bind(NormalizationSpec& spec, const v1::Open& open) {
  const Shape row_shape(open.row_shape().begin(), open.row_shape().end());
  const absl::StatusOr<int64_t> row_elements = ElementCount(row_shape);
  if (!row_elements.ok()) {
    return InvalidFieldError("open.row_shape", row_elements.status().message());
  }
  if (*row_elements > limits_.max_row_elements) {
    return InvalidFieldError("open.row_shape",
                             absl::StrCat("a row of ", *row_elements, " elements is above this ",
                                          "server's limit of ", limits_.max_row_elements));
  }
  row_size_ = *row_elements;
  switch (TraitsOf(spec.method).shared_over) {
    case SharedOver::kNothing:
    case SharedOver::kTrailingDimensions:
      return BindStateless<RowNormalizer>(spec, row_shape);
    case SharedOver::kChannelGroup:
      return BindStateless<GroupNormalizer>(spec, row_shape);
    case SharedOver::kChannel:
      break;
  }
  absl::StatusOr<StreamingPolicy> policy = PolicyFromProto(open, session_ != nullptr);
  if (!policy.ok()) return PrefixField("open", policy.status());
  policy_ = *policy;
  if (session_ == nullptr && policy_.mode != BatchNormMode::kTraining) {
    return InvalidFieldError("open.mode",
                             "without a session there are no running statistics: create a session "
                             "and open the stream on it, or use TRAINING");
  }
  NORMD_RETURN_IF_ERROR(PrefixField("open", Validate(policy_, *spec.estimator)));
  absl::StatusOr<ChannelNormalizer> normalizer = ChannelNormalizer::Create(spec, row_shape);
  if (!normalizer.ok()) {
    // A session's spec is right: it is the row that does not fit it.
    return session_ == nullptr ? PrefixSpec(spec, normalizer.status())
                               : InvalidFieldError("open.row_shape", normalizer.status().message());
  }
  if (session_ != nullptr && normalizer->channels() != session_->channels()) {
    return WithMetadata(
        WithReason(absl::FailedPreconditionError(absl::StrCat(
                       "rows of shape ", ToString(row_shape), " have ", normalizer->channels(),
                       " channels on axis ", *spec.channel_axis, ", but ", session_->name(),
                       " has ", session_->channels())),
                   "CHANNEL_COUNT"),
        "expected", absl::StrCat(session_->channels()));
  }
  normalizer_ = *std::move(normalizer);
  return absl::OkStatus();
}

absl::Status StreamSession::Open(const v1::NormalizeStreamRequest& request,
                                 v1::NormalizeStreamResponse* response) {
  if (!request.has_open()) {
    return InvalidFieldError("open", "must be the first message of a stream");
  }
  const v1::Open& open = request.open();
  if (open.element_type() != v1::ELEMENT_TYPE_UNSPECIFIED &&
      open.element_type() != v1::ELEMENT_TYPE_FLOAT32) {
    return InvalidFieldError("open.element_type", "must be FLOAT32");
  }
  NormalizationSpec spec;
  if (open.has_session()) {
    NORMD_RETURN_IF_ERROR(CheckSessionName("open.session", open.session()));
    absl::StatusOr<std::shared_ptr<Session>> session = store_.Find(open.session());
    if (!session.ok()) return session.status();
    session_ = *std::move(session);
    lease_ = Session::StreamLease(session_);
    spec = session_->spec();
  } else if (open.has_spec()) {
    absl::StatusOr<NormalizationSpec> given = FromProto(open.spec());
    if (!given.ok()) return PrefixField("open.spec", given.status());
    absl::StatusOr<NormalizationSpec> resolved = Resolve(*given);
    if (!resolved.ok()) return PrefixSpec(*given, resolved.status());
    spec = *std::move(resolved);
  } else {
    return InvalidFieldError("open.target", "must be set: spec or session");
  }
  NORMD_RETURN_IF_ERROR(Bind(spec, open));
  return_statistics_ = open.return_statistics();

  v1::Opened* opened = response->mutable_opened();
  ToProto(spec, opened->mutable_resolved_spec());
  opened->mutable_limits()->set_max_message_bytes(limits_.max_message_bytes);
  opened->mutable_limits()->set_max_row_elements(limits_.max_row_elements);
  opened->set_next_sequence_number(1);
  if (session_ != nullptr) opened->set_session_uid(session_->uid());
  if (std::holds_alternative<ChannelNormalizer>(normalizer_)) {
    opened->set_mode(ToProto(policy_.mode));
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> StreamSession::NormalizeRows(const float* x, int64_t rows,
                                                      float* y) const {
  const auto* channel = std::get_if<ChannelNormalizer>(&normalizer_);
  if (session_ != nullptr) return session_->Apply(*channel, policy_, x, rows, y);
  if (const auto* row = std::get_if<RowNormalizer>(&normalizer_)) {
    NORMD_RETURN_IF_ERROR(row->Normalize(x, rows, y));
  } else if (const auto* group = std::get_if<GroupNormalizer>(&normalizer_)) {
    NORMD_RETURN_IF_ERROR(group->Normalize(x, rows, y));
  } else {
    NORMD_RETURN_IF_ERROR(channel->NormalizeByBatch(x, rows, y));
  }
  return 0;
}

absl::Status StreamSession::Normalize(const v1::NormalizeStreamRequest& request,
                                      v1::NormalizeStreamResponse* response) {
  if (!request.has_chunk()) {
    return InvalidFieldError(
        "chunk", request.has_open() ? "the stream is open already" : "must be set after `open`");
  }
  const v1::Chunk& chunk = request.chunk();
  const uint64_t expected = last_sequence_number_ + 1;
  if (chunk.sequence_number() != expected) {
    return WithMetadata(WithReason(absl::FailedPreconditionError(absl::StrCat(
                                       "chunk.sequence_number is ", chunk.sequence_number(),
                                       ", but the next one is ", expected)),
                                   "SEQUENCE_NUMBER"),
                        "expected", absl::StrCat(expected));
  }

  const int64_t row_bytes = row_size_ * static_cast<int64_t>(sizeof(float));
  const auto bytes = static_cast<int64_t>(chunk.data().size());
  absl::Status status;
  if (bytes % row_bytes != 0) {
    status = InvalidFieldError(
        "data", absl::StrCat("holds ", bytes, " bytes, which is no whole number of rows of ",
                             row_bytes, " bytes"));
  } else {
    v1::Result* result = response->mutable_result();
    std::string* output = result->mutable_data();
    output->resize(chunk.data().size());
    const absl::StatusOr<uint64_t> version =
        NormalizeRows(reinterpret_cast<const float*>(chunk.data().data()), bytes / row_bytes,
                      reinterpret_cast<float*>(output->data()));
    if (version.ok()) {
      last_sequence_number_ = expected;
      result->set_sequence_number(expected);
      result->set_statistics_version(*version);
      return absl::OkStatus();
    }
    status = version.status();
    if (absl::IsNotFound(status)) return status;  // the session is gone: no chunk can follow
  }
  last_sequence_number_ = expected;
  v1::ChunkError* error = response->mutable_error();
  error->set_sequence_number(expected);
  *error->mutable_status() = ToRpcStatus(PrefixField("chunk", std::move(status)));
  return absl::OkStatus();
}

void StreamSession::Close(v1::NormalizeStreamResponse* response) const {
  v1::Closed* closed = response->mutable_closed();
  closed->set_last_sequence_number(last_sequence_number_);
  if (return_statistics_ && session_ != nullptr) {
    const SessionSnapshot snapshot = session_->Snapshot();
    ToProto(snapshot.statistics, snapshot.version, closed->mutable_statistics());
  }
}

}  // namespace normd::server
