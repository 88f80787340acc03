#include "server/rpc/stream_session.h"

#include "core/error/error.h"
#include "server/rpc/proto_conversion.h"
#include "server/rpc/spec_conversion.h"
#include "server/rpc/status_mapping.h"
#include "server/rpc/tensor_conversion.h"

namespace normd::server {

absl::Status StreamSession::Open(const Request& request, ResultReply* reply) {
  NORMD_RETURN_IF_ERROR(ChunkSequence::CheckFirst(request));
  NORMD_RETURN_IF_ERROR(PrefixField("open", target_.Bind(request.open(), store_, limits_)));
  target_.AddCost(inline_limit_);
  return_statistics_ = request.open().return_statistics();

  v1::Opened* opened = reply->message().mutable_opened();
  ToProto(target_.spec(), opened->mutable_resolved_spec());
  ToProto(limits_, opened->mutable_limits());
  opened->set_next_sequence_number(1);
  if (target_.session() != nullptr) opened->set_session_uid(target_.session()->uid());
  opened->set_mode(target_.mode());
  opened->set_output_element_type(ToProto(target_.output_type()));
  return absl::OkStatus();
}

absl::Status StreamSession::Answer(const Request& request, Patience patience, Executor& executor,
                                   ResultReply* reply) {
  NORMD_RETURN_IF_ERROR(sequence_.CheckNext(request));
  const v1::Chunk& chunk = request.chunk();
  const absl::StatusOr<uint64_t> version = target_.Normalize(
      {chunk.data(), chunk.shape(), chunk.lengths(), chunk.row_mask(), chunk.residual()}, patience,
      executor, [&](int64_t bytes) { return reply->AllocateData(bytes); });
  if (version.ok()) {
    v1::Result* result = reply->message().mutable_result();
    result->set_sequence_number(sequence_.Advance());
    result->set_statistics_version(*version);
    return absl::OkStatus();
  }
  // The session is gone: no chunk can follow.
  if (absl::IsNotFound(version.status()) || IsBusy(version.status())) return version.status();
  sequence_.Refuse(version.status(), reply->message().mutable_error());
  metrics_.refusals().Count(ReasonOf(version.status()));
  return absl::OkStatus();
}

bool StreamSession::Close(absl::FunctionRef<bool()> /*is_abandoned*/, ResultReply* reply) const {
  v1::Closed* closed = reply->message().mutable_closed();
  closed->set_last_sequence_number(sequence_.last());
  if (return_statistics_ && target_.session() != nullptr) {
    const SessionSnapshot snapshot = target_.session()->Snapshot();
    ToProto(snapshot.statistics, snapshot.version, closed->mutable_statistics());
  }
  return true;
}

}  // namespace normd::server
