// TLS for a listening port, with certificates that are read anew while it serves.
#ifndef NORMD_SERVER_TRANSPORT_TLS_CREDENTIALS_H_
#define NORMD_SERVER_TRANSPORT_TLS_CREDENTIALS_H_

#include <cstdint>
#include <memory>
#include <mutex>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/security/server_credentials.h"
#include "server/transport/certificates.h"

namespace normd::server {

// The certificates in force. Thread-safe.
//
// gRPC asks for them at every handshake through its core API, and keeps the ones it has where new
// ones fail. (Its TlsServerCredentials of 1.51 drops the old ones first, and then serves nobody.)
class ReloadingCertificates {
 public:
  // Loads them. Errors are LoadCertificates'.
  static absl::StatusOr<std::shared_ptr<ReloadingCertificates>> Create(const TlsFiles& files);

  // Reads the files again; new connections are served with what they hold. True where that has
  // changed. Errors are LoadCertificates'; then the ones in force stay.
  absl::StatusOr<bool> Reload();

  // End of the validity of the server's certificate in force.
  absl::Time not_after() const;

  // For one port; must outlive its server. Requires clients' certificates, and verifies them, where
  // there is a client CA.
  static std::shared_ptr<grpc::ServerCredentials> Credentials(
      std::shared_ptr<ReloadingCertificates> certificates);

 private:
  friend class CertificateFetcher;

  ReloadingCertificates(const TlsFiles& files, Certificates certificates)
      : files_(files), current_(std::move(certificates)) {}

  // Copies the certificates where they are newer than `*generation`, which it brings up to date.
  bool NewerThan(uint64_t* generation, Certificates* certificates) const;

  const TlsFiles files_;
  mutable std::mutex mutex_;  // guards what follows
  Certificates current_;
  uint64_t generation_ = 1;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_TRANSPORT_TLS_CREDENTIALS_H_
