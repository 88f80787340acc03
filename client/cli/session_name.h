// How a session is given on a command line: by its id or its name, "sessions/ID".
#ifndef NORMD_CLIENT_CLI_SESSION_NAME_H_
#define NORMD_CLIENT_CLI_SESSION_NAME_H_

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace normd::cli {

inline constexpr char kSessions[] = "sessions/";

inline std::string SessionId(absl::string_view id_or_name) {
  return std::string(absl::StripPrefix(id_or_name, kSessions));
}

inline std::string SessionName(absl::string_view id_or_name) {
  return absl::StrCat(kSessions, SessionId(id_or_name));
}

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_SESSION_NAME_H_
