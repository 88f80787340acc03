#include "client/cpp/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"

namespace normd::client {
namespace {

using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream bytes;
  in.peek();  // of a folder, which can be opened, it fails
  if (!in.is_open() || in.bad()) {
    return absl::NotFoundError(absl::StrCat(path, ": cannot be read"));
  }
  bytes << in.rdbuf();
  return bytes.str();
}

absl::Status Invalid(const std::string& path, const char* what) {
  return absl::InvalidArgumentError(absl::StrCat(path, ": ", what));
}

// Asks nobody for a password.
int NoPassword(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*data*/) { return -1; }

// Null where `pem` holds none.
template <typename Read>
auto* First(const std::string& pem, Read read) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  auto* result = read(bio.get(), nullptr, &NoPassword, nullptr);
  ERR_clear_error();  // gRPC's handshakes must not find it
  return result;
}

absl::Status CheckPair(const TlsFiles& files, const std::string& certificate_pem,
                       const std::string& key_pem) {
  const Certificate certificate(First(certificate_pem, PEM_read_bio_X509), &X509_free);
  if (certificate == nullptr) return Invalid(files.certificate, "holds no PEM certificate");
  const Key key(First(key_pem, PEM_read_bio_PrivateKey), &EVP_PKEY_free);
  if (key == nullptr) {
    return Invalid(files.key, "holds no PEM private key that can be read without a password");
  }
  const bool match = X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  if (match) return absl::OkStatus();
  return Invalid(files.key,
                 absl::StrCat("is not the key of the certificate in ", files.certificate).c_str());
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> TlsCredentials(const TlsFiles& files) {
  grpc::SslCredentialsOptions options;
  if (!files.ca.empty()) {
    absl::StatusOr<std::string> pem = ReadFile(files.ca);
    if (!pem.ok()) return pem.status();
    if (Certificate(First(*pem, PEM_read_bio_X509), &X509_free) == nullptr) {
      return Invalid(files.ca, "holds no PEM certificate");
    }
    options.pem_root_certs = *std::move(pem);
  }
  if (files.certificate.empty() && files.key.empty()) return grpc::SslCredentials(options);
  if (files.key.empty()) return Invalid(files.certificate, "needs its key, which is not given");
  if (files.certificate.empty()) return Invalid(files.key, "needs its certificate: none is given");
  absl::StatusOr<std::string> certificate = ReadFile(files.certificate);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<std::string> key = ReadFile(files.key);
  if (!key.ok()) return key.status();
  if (absl::Status pair = CheckPair(files, *certificate, *key); !pair.ok()) return pair;
  options.pem_cert_chain = *std::move(certificate);
  options.pem_private_key = *std::move(key);
  return grpc::SslCredentials(options);
}

}  // namespace normd::client
