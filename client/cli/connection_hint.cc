#include "client/cli/connection_hint.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/status.h"

namespace normd::cli {

std::string ConnectionHint(const absl::Status& status, const GlobalFlags& global) {
  if (!absl::IsUnavailable(status) || !client::ReasonOf(status).empty()) return "";
  const auto says = [&status](const char* words) {
    return absl::StrContains(std::string(status.message()), words);
  };
  if (says("wrong version number")) {
    return absl::StrCat(global.server,
                        " does not speak TLS. If it serves plaintext, leave out --tls and what "
                        "implies it: --tls-*, NORMD_TLS_*");
  }
  if (says("certificate verify failed")) {
    return "Name the CA that vouches for the server's certificate: --tls-ca FILE";
  }
  if (says("is not in peer certificate")) {
    return "Call it by a name in its certificate, or tell that name: --tls-server-name NAME";
  }
  const bool was_connected = says("Socket closed") || says("Connection reset");
  if (was_connected && !global.UsesTls()) {
    return absl::StrCat(global.server,
                        " ended the connection. If it serves TLS, add --tls-ca FILE, or --tls");
  }
  if (was_connected && global.tls_files.certificate.empty()) {
    return absl::StrCat(global.server,
                        " ended the connection. If it asks for a client's certificate, add "
                        "--tls-cert FILE --tls-key FILE");
  }
  if (was_connected) {
    return absl::StrCat(global.server, " ended the connection. Does its --tls_client_ca vouch for ",
                        global.tls_files.certificate, "?");
  }
  return absl::StrCat("Is normd running at ", global.server,
                      "? Start one: normd --listen=", global.server);
}

}  // namespace normd::cli
