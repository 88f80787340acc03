// The metadata by which a proxy can send all calls of a session to one server.
#ifndef NORMD_CLIENT_CPP_SESSION_METADATA_H_
#define NORMD_CLIENT_CPP_SESSION_METADATA_H_

#include "absl/strings/string_view.h"
#include "grpcpp/client_context.h"

namespace normd::client {

// Adds `normd-session: {id}`. Nothing where it is no id that a server takes: gRPC ends the process
// over bytes that metadata may not hold.
void AddSessionId(absl::string_view id, grpc::ClientContext& context);

// The same by a session's name, "sessions/{id}".
void AddSessionName(absl::string_view name, grpc::ClientContext& context);

}  // namespace normd::client

#endif  // NORMD_CLIENT_CPP_SESSION_METADATA_H_
