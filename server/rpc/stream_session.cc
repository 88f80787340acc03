#include "server/rpc/stream_session.h"

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "server/rpc/proto_conversion.h"
#include "server/rpc/spec_conversion.h"
#include "server/rpc/status_mapping.h"
#include "server/rpc/tensor_conversion.h"

namespace normd::server {

absl::Status StreamSession::Open(const v1::NormalizeStreamRequest& request,
                                 v1::NormalizeStreamResponse* response) {
  if (!request.has_open()) {
    return InvalidFieldError("open", "must be the first message of a stream");
  }
  NORMD_RETURN_IF_ERROR(PrefixField("open", target_.Bind(request.open(), store_, limits_)));
  return_statistics_ = request.open().return_statistics();

  v1::Opened* opened = response->mutable_opened();
  ToProto(target_.spec(), opened->mutable_resolved_spec());
  opened->mutable_limits()->set_max_message_bytes(limits_.max_message_bytes);
  opened->mutable_limits()->set_max_row_elements(limits_.max_row_elements);
  opened->set_next_sequence_number(1);
  if (target_.session() != nullptr) opened->set_session_uid(target_.session()->uid());
  opened->set_mode(target_.mode());
  opened->set_output_element_type(ToProto(target_.output_type()));
  return absl::OkStatus();
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

  v1::Result* result = response->mutable_result();
  const absl::StatusOr<uint64_t> version = target_.Normalize(
      {chunk.data(), chunk.shape(), chunk.lengths(), chunk.row_mask()}, result->mutable_data());
  if (version.ok()) {
    last_sequence_number_ = expected;
    result->set_sequence_number(expected);
    result->set_statistics_version(*version);
    return absl::OkStatus();
  }
  // The session is gone: no chunk can follow.
  if (absl::IsNotFound(version.status())) return version.status();
  last_sequence_number_ = expected;
  v1::ChunkError* error = response->mutable_error();
  error->set_sequence_number(expected);
  *error->mutable_status() = ToRpcStatus(PrefixField("chunk", version.status()));
  return absl::OkStatus();
}

void StreamSession::Close(v1::NormalizeStreamResponse* response) const {
  v1::Closed* closed = response->mutable_closed();
  closed->set_last_sequence_number(last_sequence_number_);
  if (return_statistics_ && target_.session() != nullptr) {
    const SessionSnapshot snapshot = target_.session()->Snapshot();
    ToProto(snapshot.statistics, snapshot.version, closed->mutable_statistics());
  }
}

}  // namespace normd::server
