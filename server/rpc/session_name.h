// Names of sessions: "sessions/{id}".
#ifndef NORMD_SERVER_RPC_SESSION_NAME_H_
#define NORMD_SERVER_RPC_SESSION_NAME_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace normd::server {

// "sessions/{id}". INVALID_ARGUMENT (field "session_id") unless the id is 1 to 128 characters of
// A-Z a-z 0-9 . _ : -
absl::StatusOr<std::string> SessionNameOf(absl::string_view id);

// INVALID_ARGUMENT (field `field`) where `name` is no session's name.
absl::Status CheckSessionName(absl::string_view field, absl::string_view name);

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_SESSION_NAME_H_
