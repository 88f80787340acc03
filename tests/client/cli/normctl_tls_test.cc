// normctl over TLS: its flags, its environment, and what it advises where no connection comes
// about.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/certificates.h"
#include "tests/testing/recording_server.h"
#include "tests/testing/run_command.h"
#include "tests/testing/temporary_folder.h"

namespace normd::cli {
namespace {

using testing::CommandResult;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::shared_ptr<grpc::ServerCredentials> Credentials(const testing::CertificateAuthority& authority,
                                                     const std::string& alternative_names,
                                                     bool mutual) {
  grpc::SslServerCredentialsOptions options;
  const testing::KeyPair pair = authority.Issue("server", alternative_names);
  options.pem_key_cert_pairs.push_back({pair.key, pair.certificate});
  options.pem_root_certs = authority.certificate();
  if (mutual) {
    options.client_certificate_request = GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  return grpc::SslServerCredentials(options);
}

class NormctlTlsTest : public ::testing::Test {
 protected:
  NormctlTlsTest() {
    const testing::KeyPair client = authority_.Issue("client");
    certificate_ = folder_.Write("client.pem", client.certificate);
    key_ = folder_.Write("client.key", client.key);
  }

  // A call that any server answers.
  static CommandResult List(const testing::RecordingServer& server,
                            std::vector<std::string> flags) {
    flags.insert(flags.begin(), {NORMCTL_BINARY, "--server", server.address(), "session", "list"});
    return testing::RunCommand(flags);
  }

  const testing::TemporaryFolder folder_;
  const testing::CertificateAuthority authority_{"authority"};
  const std::string ca_ = folder_.Write("ca.pem", authority_.certificate());
  std::string certificate_;
  std::string key_;
  const testing::RecordingServer plaintext_;
  const testing::RecordingServer tls_{Credentials(authority_, "IP:127.0.0.1", false)};
  const testing::RecordingServer named_{Credentials(authority_, "DNS:normd.example", false)};
  const testing::RecordingServer mutual_{Credentials(authority_, "IP:127.0.0.1", true)};
};

TEST_F(NormctlTlsTest, EachFlagImpliesTls) {
  EXPECT_EQ(List(tls_, {"--tls", "--tls-ca", ca_}).exit_code, 0);
  EXPECT_EQ(List(tls_, {"--tls-ca", ca_}).exit_code, 0);
  EXPECT_EQ(List(named_, {"--tls-ca", ca_, "--tls-server-name", "normd.example"}).exit_code, 0);
  const CommandResult mutual =
      List(mutual_, {"--tls-ca", ca_, "--tls-cert", certificate_, "--tls-key", key_});
  EXPECT_EQ(mutual.exit_code, 0) << mutual.error;
  for (const std::vector<std::string>& flags : {std::vector<std::string>{"--tls"},
                                                {"--tls-server-name", "127.0.0.1"},
                                                {"--tls-cert", certificate_, "--tls-key", key_}}) {
    EXPECT_THAT(List(tls_, flags).error, HasSubstr("certificate verify failed")) << flags[0];
  }
}

TEST_F(NormctlTlsTest, TheEnvironmentStandsForFlags) {
  const auto list = [&](const std::string& environment) {
    return testing::RunCommand({"/bin/sh", "-c",
                                "env NORMD_SERVER=" + mutual_.address() + " " + environment +
                                    " " NORMCTL_BINARY " session list"});
  };
  const std::string pair = " NORMD_TLS_CERT=" + certificate_ + " NORMD_TLS_KEY=" + key_;
  const CommandResult mutual = list("NORMD_TLS_CA=" + ca_ + pair);
  EXPECT_EQ(mutual.exit_code, 0) << mutual.error;
  EXPECT_THAT(list("NORMD_TLS_CA=" + ca_ + pair + " NORMD_TLS_SERVER_NAME=other").error,
              HasSubstr("other is not in peer certificate"));
  EXPECT_THAT(list("NORMD_TLS=1").error, HasSubstr("certificate verify failed"));
}

TEST_F(NormctlTlsTest, AFailedConnectionTellsWhatToDo) {
  const auto advice = [](const CommandResult& result) {
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.error, StartsWith("normctl: "));  // and not gRPC's log
    return result.error;
  };
  EXPECT_THAT(advice(List(tls_, {})), EndsWith("If it serves TLS, add --tls-ca FILE, or --tls\n"));
  EXPECT_THAT(advice(List(plaintext_, {"--tls"})),
              HasSubstr("does not speak TLS. If it serves plaintext, leave out --tls"));
  EXPECT_THAT(advice(List(tls_, {"--tls"})), EndsWith("certificate: --tls-ca FILE\n"));
  EXPECT_THAT(advice(List(named_, {"--tls-ca", ca_})), EndsWith("--tls-server-name NAME\n"));
  EXPECT_THAT(advice(List(mutual_, {"--tls-ca", ca_})),
              EndsWith("--tls-cert FILE --tls-key FILE\n"));
  const testing::KeyPair stranger = testing::CertificateAuthority("authority").Issue("client");
  const std::string certificate = folder_.Write("stranger.pem", stranger.certificate);
  const std::string key = folder_.Write("stranger.key", stranger.key);
  EXPECT_THAT(advice(List(mutual_, {"--tls-ca", ca_, "--tls-cert", certificate, "--tls-key", key})),
              EndsWith("Does its --tls_client_ca vouch for " + certificate + "?\n"));
  EXPECT_THAT(advice(testing::RunCommand({NORMCTL_BINARY, "--server", "127.0.0.1:1", "methods"})),
              EndsWith("Is normd running at 127.0.0.1:1? Start one: normd --listen=127.0.0.1:1\n"));
}

TEST_F(NormctlTlsTest, AFileThatIsNotRightIsNamedAndNothingElse) {
  const CommandResult missing = List(tls_, {"--tls-ca", folder_ / "none.pem"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_EQ(missing.error, "normctl: " + folder_ / "none.pem" + ": cannot be read\n");
  EXPECT_EQ(List(tls_, {"--tls-cert", certificate_}).error,
            "normctl: " + certificate_ + ": needs its key, which is not given\n");
}

}  // namespace
}  // namespace normd::cli
