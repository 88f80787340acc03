// The client over TLS, and what it says of files that are not right.
#include "client/cpp/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cpp/client.h"
#include "tests/testing/certificates.h"
#include "tests/testing/recording_server.h"
#include "tests/testing/temporary_folder.h"

namespace normd::client {
namespace {

using testing::CertificateAuthority;
using ::testing::HasSubstr;
using testing::KeyPair;

class TlsTest : public ::testing::Test {
 protected:
  // Writes a pair as NAME.pem and NAME.key.
  void Write(const std::string& name, const KeyPair& pair) const {
    folder_.Write(name + ".pem", pair.certificate);
    folder_.Write(name + ".key", pair.key);
  }

  static std::shared_ptr<grpc::ServerCredentials> ServerCredentials(
      const KeyPair& pair, const CertificateAuthority* client_authority = nullptr) {
    grpc::SslServerCredentialsOptions options;
    if (client_authority != nullptr) {
      options.client_certificate_request =
          GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
      options.pem_root_certs = client_authority->certificate();
    }
    options.pem_key_cert_pairs.push_back({pair.key, pair.certificate});
    return grpc::SslServerCredentials(options);
  }

  // Whether a call over TLS comes through.
  static absl::Status Call(const testing::RecordingServer& server, const TlsFiles& files,
                           const std::string& server_name = "") {
    const auto credentials = TlsCredentials(files);
    if (!credentials.ok()) return credentials.status();
    ClientOptions options;
    options.target = server.address();
    options.credentials = *credentials;
    options.tls_server_name = server_name;
    return Client(options).ListSessions({}).status();
  }

  const testing::TemporaryFolder folder_;
  const CertificateAuthority authority_{"authority"};
  const std::string ca_ = folder_.Write("ca.pem", authority_.certificate());
  const std::string other_ca_ =
      folder_.Write("other_ca.pem", CertificateAuthority("other").certificate());
};

TEST_F(TlsTest, TheServerIsKnownByItsAuthority) {
  const testing::RecordingServer server(ServerCredentials(authority_.Issue("server")));
  EXPECT_TRUE(Call(server, {.ca = ca_}).ok()) << Call(server, {.ca = ca_});
  EXPECT_TRUE(absl::IsUnavailable(Call(server, {.ca = other_ca_})));
}

TEST_F(TlsTest, TheServerIsKnownByItsName) {
  const testing::RecordingServer server(
      ServerCredentials(authority_.Issue("server", "DNS:normd.example")));
  EXPECT_TRUE(absl::IsUnavailable(Call(server, {.ca = ca_})));
  EXPECT_TRUE(Call(server, {.ca = ca_}, "normd.example").ok());
  EXPECT_TRUE(absl::IsUnavailable(Call(server, {.ca = ca_}, "other.example")));
}

TEST_F(TlsTest, TheClientIsKnownByItsCertificate) {
  const testing::RecordingServer server(ServerCredentials(authority_.Issue("server"), &authority_));
  Write("client", authority_.Issue("client"));
  Write("stranger", CertificateAuthority("authority").Issue("client"));  // of the same names
  const auto with = [&](const std::string& name) {
    return TlsFiles{ca_, folder_ / (name + ".pem"), folder_ / (name + ".key")};
  };
  EXPECT_TRUE(Call(server, with("client")).ok());
  EXPECT_TRUE(absl::IsUnavailable(Call(server, with("stranger"))));
  EXPECT_TRUE(absl::IsUnavailable(Call(server, {.ca = ca_})));
}

TEST_F(TlsTest, AFileThatIsNotRightIsNamed) {
  Write("a", authority_.Issue("client"));
  Write("b", authority_.Issue("client"));
  const std::string certificate = folder_ / "a.pem";
  const std::string key = folder_ / "a.key";
  const std::string other_key = folder_ / "b.key";
  const std::string missing = folder_ / "missing.pem";
  const std::string text = folder_.Write("text.pem", "not PEM");
  const std::string cut = folder_.Write("cut.pem", folder_.Read("a.pem").substr(0, 200));
  const std::string encrypted = folder_.Write("encrypted.key",
                                              "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGj\n"
                                              "-----END ENCRYPTED PRIVATE KEY-----\n");
  const struct {
    TlsFiles files;
    absl::StatusCode code;
    std::string message;
  } cases[] = {
      {{.ca = missing}, absl::StatusCode::kNotFound, missing + ": cannot be read"},
      {{.ca = text}, absl::StatusCode::kInvalidArgument, text + ": holds no PEM certificate"},
      {{.ca = cut}, absl::StatusCode::kInvalidArgument, cut + ": holds no PEM certificate"},
      {{.ca = key}, absl::StatusCode::kInvalidArgument, key + ": holds no PEM certificate"},
      {{.certificate = certificate}, absl::StatusCode::kInvalidArgument, certificate + ": needs"},
      {{.key = key}, absl::StatusCode::kInvalidArgument, key + ": needs"},
      {{.certificate = missing, .key = key}, absl::StatusCode::kNotFound, missing},
      {{.certificate = certificate, .key = missing}, absl::StatusCode::kNotFound, missing},
      {{.certificate = cut, .key = key}, absl::StatusCode::kInvalidArgument, cut + ": holds"},
      {{.certificate = certificate, .key = text}, absl::StatusCode::kInvalidArgument, text},
      {{.certificate = certificate, .key = encrypted},
       absl::StatusCode::kInvalidArgument,
       encrypted + ": holds no PEM private key that can be read without a password"},
      {{.certificate = certificate, .key = other_key},
       absl::StatusCode::kInvalidArgument,
       other_key + ": is not the key of the certificate in " + certificate},
  };
  for (const auto& wrong : cases) {
    const absl::Status status = TlsCredentials(wrong.files).status();
    EXPECT_EQ(status.code(), wrong.code) << wrong.message;
    EXPECT_THAT(std::string(status.message()), ::testing::StartsWith(wrong.message));
  }
  EXPECT_TRUE(TlsCredentials({ca_, certificate, key}).ok());
  EXPECT_TRUE(TlsCredentials({}).ok());  // the system's roots
}

}  // namespace
}  // namespace normd::client
