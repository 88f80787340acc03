// What to try where a server cannot be reached: gRPC's messages tell what happened, not why.
#ifndef NORMD_CLIENT_CLI_CONNECTION_HINT_H_
#define NORMD_CLIENT_CLI_CONNECTION_HINT_H_

#include <string>

#include "absl/status/status.h"
#include "client/cli/commands.h"

namespace normd::cli {

// One line on a call's failure; empty where the server answered.
std::string ConnectionHint(const absl::Status& status, const GlobalFlags& global);

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_CONNECTION_HINT_H_
