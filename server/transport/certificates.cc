#include "server/transport/certificates.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ctime>
#include <fstream>
#include <memory>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "core/error/error.h"

namespace normd::server {
namespace {

template <auto kFree>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Freer<BIO_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using ContextPtr = std::unique_ptr<SSL_CTX, Freer<SSL_CTX_free>>;
using CertificatePtr = std::unique_ptr<X509, Freer<X509_free>>;

absl::Status FileError(const std::string& path, absl::string_view message) {
  ERR_clear_error();
  return absl::FailedPreconditionError(absl::StrCat(path, " ", message));
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  in.peek();  // of a folder, which can be opened, it fails
  if (!in.is_open() || in.bad()) return FileError(path, "cannot be read");
  text << in.rdbuf();
  return text.str();
}

BioPtr Memory(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// An encrypted key would ask at the terminal.
int NoPassword(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*user*/) { return 0; }

absl::StatusOr<std::vector<CertificatePtr>> ParseChain(const std::string& path,
                                                       const std::string& pem) {
  std::vector<CertificatePtr> result;
  const BioPtr bio = Memory(pem);
  while (CertificatePtr next{PEM_read_bio_X509(bio.get(), nullptr, NoPassword, nullptr)}) {
    result.push_back(std::move(next));
  }
  // The end of the text is the one error that may end the loop.
  if (result.empty() || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
    return FileError(path, "is no PEM file of whole certificates");
  }
  ERR_clear_error();
  return result;
}

}  // namespace

absl::StatusOr<Certificates> LoadCertificates(const TlsFiles& files) {
  Certificates result;
  for (const auto& [path, text] :
       {std::pair{&files.certificate, &result.chain}, std::pair{&files.key, &result.key},
        std::pair{&files.client_ca, &result.client_ca}}) {
    if (path->empty()) continue;
    absl::StatusOr<std::string> read = ReadFile(*path);
    if (!read.ok()) return read.status();
    *text = *std::move(read);
  }
  const auto chain = ParseChain(files.certificate, result.chain);
  if (!chain.ok()) return chain.status();
  if (!files.client_ca.empty()) {
    NORMD_RETURN_IF_ERROR(ParseChain(files.client_ca, result.client_ca).status());
  }
  const BioPtr bio = Memory(result.key);
  const KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr));
  if (key == nullptr) return FileError(files.key, "is no PEM file of an unencrypted private key");
  if (X509_check_private_key(chain->front().get(), key.get()) != 1) {
    return FileError(files.key, absl::StrCat("is not the key of ", files.certificate));
  }
  // What OpenSSL's security level refuses, a handshake would.
  const ContextPtr context(SSL_CTX_new(TLS_server_method()));
  if (SSL_CTX_use_certificate(context.get(), chain->front().get()) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1) {
    return FileError(files.certificate, "is too weak for OpenSSL's security level");
  }
  std::tm not_after{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(chain->front().get()), &not_after) != 1) {
    return FileError(files.certificate, "has no end of validity that can be read");
  }
  result.not_after = absl::FromTM(not_after, absl::UTCTimeZone());
  return result;
}

}  // namespace normd::server
