// normd's command line.
#ifndef NORMD_SERVER_FLAGS_H_
#define NORMD_SERVER_FLAGS_H_

#include <string>

#include "absl/status/statusor.h"
#include "server/observability/logging.h"
#include "server/server_options.h"

namespace normd::server {

// What the command line asks for.
struct CommandLine {
  bool healthcheck = false;  // `normd healthcheck`: ask a running server, serve nothing
  ServerOptions options;
  LoggingOptions logging;
  std::string port_file;        // empty: none
  std::string admin_port_file;  // empty: none
};

// Parses `argv`, with the files that --flagfile names. Prints and exits where --help, --version or
// an unknown flag is given. INVALID_ARGUMENT for what is no flag.
absl::StatusOr<CommandLine> ParseFlags(int argc, char** argv);

}  // namespace normd::server

#endif  // NORMD_SERVER_FLAGS_H_
