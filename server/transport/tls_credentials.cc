#include "server/transport/tls_credentials.h"

#include <utility>

#include "grpc/grpc.h"
#include "grpc/grpc_security.h"
#include "grpcpp/version_info.h"

namespace normd::server {

// What gRPC's core asks at every handshake of a port.
class CertificateFetcher {
 public:
  explicit CertificateFetcher(std::shared_ptr<ReloadingCertificates> certificates)
      : certificates_(std::move(certificates)) {}

  // Keeps a pointer to this.
  grpc_server_credentials* CreateCredentials() {
    const auto request = certificates_->files_.client_ca.empty()
                             ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                             : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
    return grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(request, &Fetch, this));
  }

 private:
  static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config) {
    auto& fetcher = *static_cast<CertificateFetcher*>(self);
    Certificates certificates;
    {
      const std::lock_guard lock(fetcher.mutex_);
      if (!fetcher.certificates_->NewerThan(&fetcher.generation_, &certificates)) {
        return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
      }
    }
    const grpc_ssl_pem_key_cert_pair pair = {certificates.key.c_str(), certificates.chain.c_str()};
    // gRPC ends the process where there is none, though clients' certificates be not asked for.
    const std::string& client_ca =
        certificates.client_ca.empty() ? certificates.chain : certificates.client_ca;
    *config = grpc_ssl_server_certificate_config_create(client_ca.c_str(), &pair, 1);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const std::shared_ptr<ReloadingCertificates> certificates_;
  std::mutex mutex_;  // guards what follows; handshakes are on gRPC's threads
  uint64_t generation_ = 0;
};

namespace {

// gRPC's C++ API has no reload that keeps the old certificates where new ones fail; its core has.
class TlsServerCredentials final : private CertificateFetcher, public grpc::ServerCredentials {
 public:
#if GRPC_CPP_VERSION_MAJOR == 1 && GRPC_CPP_VERSION_MINOR < 57
  explicit TlsServerCredentials(std::shared_ptr<ReloadingCertificates> certificates)
      : CertificateFetcher(std::move(certificates)), credentials_(CreateCredentials()) {}
  ~TlsServerCredentials() override { grpc_server_credentials_release(credentials_); }

  void SetAuthMetadataProcessor(
      const std::shared_ptr<grpc::AuthMetadataProcessor>& /*processor*/) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  grpc_server_credentials* const credentials_;
#else
  explicit TlsServerCredentials(std::shared_ptr<ReloadingCertificates> certificates)
      : CertificateFetcher(std::move(certificates)), grpc::ServerCredentials(CreateCredentials()) {}
#endif
};

}  // namespace

absl::StatusOr<std::shared_ptr<ReloadingCertificates>> ReloadingCertificates::Create(
    const TlsFiles& files) {
  absl::StatusOr<Certificates> certificates = LoadCertificates(files);
  if (!certificates.ok()) return certificates.status();
  return std::shared_ptr<ReloadingCertificates>(
      new ReloadingCertificates(files, *std::move(certificates)));
}

absl::StatusOr<bool> ReloadingCertificates::Reload() {
  absl::StatusOr<Certificates> certificates = LoadCertificates(files_);
  if (!certificates.ok()) return certificates.status();
  const std::lock_guard lock(mutex_);
  if (certificates->SameAs(current_)) return false;
  current_ = *std::move(certificates);
  ++generation_;
  return true;
}

absl::Time ReloadingCertificates::not_after() const {
  const std::lock_guard lock(mutex_);
  return current_.not_after;
}

bool ReloadingCertificates::NewerThan(uint64_t* generation, Certificates* certificates) const {
  const std::lock_guard lock(mutex_);
  if (*generation == generation_) return false;
  *generation = generation_;
  *certificates = current_;
  return true;
}

std::shared_ptr<grpc::ServerCredentials> ReloadingCertificates::Credentials(
    std::shared_ptr<ReloadingCertificates> certificates) {
  return std::make_shared<TlsServerCredentials>(std::move(certificates));
}

}  // namespace normd::server
