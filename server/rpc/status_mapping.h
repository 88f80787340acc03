// The one mapping of core's status to gRPC's and google.rpc's.
#ifndef NORMD_SERVER_RPC_STATUS_MAPPING_H_
#define NORMD_SERVER_RPC_STATUS_MAPPING_H_

#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/status.h"
#include "server/observability/trace_context.h"

namespace normd::server {

// The reason of RESOURCE_EXHAUSTED that clears by itself, and is worth a retry.
inline constexpr char kTooManyStreams[] = "TOO_MANY_STREAMS";

// What a program can tell an error apart by: core's reason, or INVALID_FIELD, or the code's name.
// Empty for OK. Of a bounded set: never what a client sent.
std::string ReasonOf(const absl::Status& status);

// `status` with its details: an ErrorInfo of domain "normd" always; BadRequest, ResourceInfo,
// QuotaFailure and RetryInfo where they apply.
google::rpc::Status ToRpcStatus(const absl::Status& status);

// The same as a gRPC status, with the details in grpc-status-details-bin.
grpc::Status ToGrpcStatus(const absl::Status& status);

// Tells gRPC's clients when to try again, where `status` clears by itself (gRFC A6). They do so
// only for calls that were never answered.
void AddRetryPushback(const absl::Status& status, grpc::ServerContext& context);

// What `handler` returns; INTERNAL with an id, under which the log tells more, where it throws.
// `trace` is that of the call.
absl::Status CatchInternal(const std::optional<TraceContext>& trace,
                           absl::FunctionRef<absl::Status()> handler);

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_STATUS_MAPPING_H_
