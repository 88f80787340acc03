// Logging: spdlog to stderr, as text or as one JSON object a line.
#ifndef NORMD_SERVER_OBSERVABILITY_LOGGING_H_
#define NORMD_SERVER_OBSERVABILITY_LOGGING_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace normd::server {

struct LoggingOptions {
  std::string level = "info";   // trace, debug, info, warn, error, off
  std::string format = "text";  // text, json
};

// Sets up the process's logger, and sends gRPC's own log through it. INVALID_ARGUMENT for a level
// or format that there is not.
absl::Status SetUpLogging(const LoggingOptions& options);

// Logs an error: for main.cc, which does not know the logger.
void LogError(const std::string& message);

// `text` on one line: control characters, quotes and backslashes escaped as in JSON, and bytes that
// are not ASCII as \u00XX, so that a message from outside cannot forge a line.
std::string EscapeForLog(absl::string_view text);

}  // namespace normd::server

#endif  // NORMD_SERVER_OBSERVABILITY_LOGGING_H_
