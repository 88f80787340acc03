// Between the contract's messages and core's values: sessions, statistics, streams. Nothing but
// this, spec_conversion.h, comparison_conversion.h and tensor_conversion.h knows both.
//
// FromProto returns INVALID_ARGUMENT with the field's path within the message that it was given.
#ifndef NORMD_SERVER_RPC_PROTO_CONVERSION_H_
#define NORMD_SERVER_RPC_PROTO_CONVERSION_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/method/method.h"
#include "core/session/session.h"
#include "normd/v1/normalization.pb.h"
#include "normd/v1/session.pb.h"

namespace normd::server {

absl::StatusOr<StatisticsSnapshot> FromProto(const v1::RunningStatistics& proto);
absl::StatusOr<absl::Duration> FromProto(const google::protobuf::Duration& proto);

// Of a v1::Open or v1::NormalizeRequest, where the method keeps statistics; `has_statistics`
// chooses the default mode.
template <typename Request>
absl::StatusOr<StreamingPolicy> PolicyFromProto(const Request& request, bool has_statistics);

void ToProto(const MethodTraits& traits, v1::MethodInfo* proto);
void ToProto(const StatisticsSnapshot& statistics, uint64_t version, v1::RunningStatistics* proto);
void ToProto(const SessionSnapshot& session, v1::Session* proto);
v1::BatchNormMode ToProto(BatchNormMode mode);

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_PROTO_CONVERSION_H_
