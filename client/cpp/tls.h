// TLS towards a server.
#ifndef NORMD_CLIENT_CPP_TLS_H_
#define NORMD_CLIENT_CPP_TLS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/security/credentials.h"

namespace normd::client {

// PEM files. Read once: a client that is to see new ones is made anew.
struct TlsFiles {
  std::string ca;           // who may vouch for the server; empty: the system's roots
  std::string certificate;  // with those between it and its CA: shown to a server that asks for one
  std::string key;          // the certificate's
};

// For ClientOptions. The message begins with the file's path: NOT_FOUND where it cannot be read;
// INVALID_ARGUMENT where it holds no PEM of its kind, where the key is encrypted or of another
// certificate, and where one of certificate and key is missing.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> TlsCredentials(const TlsFiles& files);

}  // namespace normd::client

#endif  // NORMD_CLIENT_CPP_TLS_H_
