// A call's status, with what the server's details say.
#ifndef NORMD_CLIENT_CPP_STATUS_H_
#define NORMD_CLIENT_CPP_STATUS_H_

#include <string>

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"
#include "grpcpp/support/status.h"

namespace normd::client {

// Of a call. The message begins with the wrong field's path where the server names one.
absl::Status FromGrpc(const grpc::Status& status);

// Of a chunk that was not normalized.
absl::Status FromRpc(const google::rpc::Status& status);

// The server's reason in UPPER_SNAKE_CASE, such as "FROZEN"; empty where it gave none.
std::string ReasonOf(const absl::Status& status);

// Whether gRPC itself refused a message for its size, the server's limit or ours:
// RESOURCE_EXHAUSTED without a reason.
bool IsMessageTooLarge(const absl::Status& status);

}  // namespace normd::client

#endif  // NORMD_CLIENT_CPP_STATUS_H_
