// A server's certificate, its key, and the CA of its clients, as PEM files.
#ifndef NORMD_SERVER_TRANSPORT_CERTIFICATES_H_
#define NORMD_SERVER_TRANSPORT_CERTIFICATES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace normd::server {

// Paths of PEM files.
struct TlsFiles {
  std::string certificate;  // the server's chain, its own first
  std::string key;
  std::string client_ca;  // empty: clients need no certificate

  bool enabled() const { return !certificate.empty(); }
};

// What the files held when they were read.
struct Certificates {
  std::string chain;
  std::string key;
  std::string client_ca;
  absl::Time not_after;  // of the server's own certificate

  // The same PEM in each.
  bool SameAs(const Certificates& other) const {
    return chain == other.chain && key == other.key && client_ca == other.client_ca;
  }
};

// Reads the files and checks that each parses as a whole and that the key is the certificate's, so
// that what comes out can be served. FAILED_PRECONDITION with the file's name where that is not so.
absl::StatusOr<Certificates> LoadCertificates(const TlsFiles& files);

}  // namespace normd::server

#endif  // NORMD_SERVER_TRANSPORT_CERTIFICATES_H_
