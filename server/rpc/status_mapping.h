// The one mapping of core's status to gRPC's and google.rpc's.
#ifndef NORMD_SERVER_RPC_STATUS_MAPPING_H_
#define NORMD_SERVER_RPC_STATUS_MAPPING_H_

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace normd::server {

// `status` with its details: an ErrorInfo of domain "normd" always; BadRequest, ResourceInfo,
// QuotaFailure and RetryInfo where they apply.
google::rpc::Status ToRpcStatus(const absl::Status& status);

// The same as a gRPC status, with the details in grpc-status-details-bin.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_STATUS_MAPPING_H_
