#include <cstdio>

#include "client/cli/commands.h"
#include "client/cli/connection_hint.h"
#include "client/cli/number_check.h"

namespace normd::cli {

void GlobalFlags::AddTo(CLI::App& app) {
  app.add_option("--server", server, "HOST:PORT")->envname("NORMD_SERVER")->capture_default_str();
  app.add_option("--timeout", timeout_seconds,
                 "Seconds that a call, or a stream's opening, may take")
      ->check(AboveZero())
      ->capture_default_str();
  app.add_flag("--json", json, "Print JSON");
  app.add_flag("--tls", tls, "Speak TLS; the system's roots vouch for the server without --tls-ca")
      ->envname("NORMD_TLS");
  app.add_option("--tls-ca", tls_files.ca, "A PEM file: who vouches for the server")
      ->envname("NORMD_TLS_CA");
  app.add_option("--tls-cert", tls_files.certificate,
                 "A PEM file: the certificate to show to a server that asks for one")
      ->envname("NORMD_TLS_CERT");
  app.add_option("--tls-key", tls_files.key, "A PEM file: the key of --tls-cert")
      ->envname("NORMD_TLS_KEY");
  app.add_option("--tls-server-name", tls_server_name,
                 "The name that the server's certificate must bear; default: that of --server")
      ->envname("NORMD_TLS_SERVER_NAME");
}

bool GlobalFlags::UsesTls() const {
  return tls || !tls_files.ca.empty() || !tls_files.certificate.empty() || !tls_files.key.empty() ||
         !tls_server_name.empty();
}

client::ClientOptions GlobalFlags::Options() const {
  client::ClientOptions options;
  options.target = server;
  options.timeout = absl::Seconds(timeout_seconds);
  options.max_unread_bytes = 16 << 20;  // commands read while they write
  if (UsesTls()) {
    options.credentials = ValueOrFail(client::TlsCredentials(tls_files), *this);
    options.tls_server_name = tls_server_name;
  }
  return options;
}

void Fail(const absl::Status& status, const GlobalFlags& global) {
  std::fprintf(stderr, "normctl: %s\n", std::string(status.message()).c_str());
  const std::string hint = ConnectionHint(status, global);
  if (!hint.empty()) std::fprintf(stderr, "  %s\n", hint.c_str());
  throw CLI::RuntimeError(1);
}

}  // namespace normd::cli
