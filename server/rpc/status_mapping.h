// The one mapping of core's status to gRPC's and google.rpc's.
#ifndef NORMD_SERVER_RPC_STATUS_MAPPING_H_
#define NORMD_SERVER_RPC_STATUS_MAPPING_H_

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace normd::server {

// The reason of RESOURCE_EXHAUSTED that clears by itself, and is worth a retry.
inline constexpr char kTooManyStreams[] = "TOO_MANY_STREAMS";

// `status` with its details: an ErrorInfo of domain "normd" always; BadRequest, ResourceInfo,
// QuotaFailure and RetryInfo where they apply.
google::rpc::Status ToRpcStatus(const absl::Status& status);

// The same as a gRPC status, with the details in grpc-status-details-bin.
grpc::Status ToGrpcStatus(const absl::Status& status);

// What `handler` returns; INTERNAL with an id, under which the log tells more, where it throws.
absl::Status CatchInternal(absl::FunctionRef<absl::Status()> handler);

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_STATUS_MAPPING_H_
