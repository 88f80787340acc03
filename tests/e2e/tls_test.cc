// TLS by the real binary: who is let in, and certificates that change while it serves.
#include "client/cpp/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "absl/strings/str_cat.h"
#include "client/cpp/client.h"
#include "tests/testing/certificates.h"
#include "tests/testing/raw_http2.h"
#include "tests/testing/scrape.h"
#include "tests/testing/server_process.h"
#include "tests/testing/temporary_folder.h"

namespace normd {
namespace {

using client::TlsFiles;
using testing::CertificateAuthority;
using ::testing::HasSubstr;
using testing::KeyPair;
using testing::ServerProcess;

class TlsTest : public ::testing::Test {
 protected:
  // What the server serves.
  void Serve(const KeyPair& pair) const {
    folder_.Write("server.pem", pair.certificate);
    folder_.Write("server.key", pair.key);
  }

  std::vector<std::string> Flags(std::vector<std::string> more = {}) const {
    more.insert(more.end(),
                {"--tls_cert=" + folder_ / "server.pem", "--tls_key=" + folder_ / "server.key",
                 "--tls_reload_interval=10ms", "--log_level=info"});
    return more;
  }

  // A pair for a client, as files.
  TlsFiles Client(const std::string& name, const CertificateAuthority& authority) const {
    const KeyPair pair = authority.Issue(name);
    return {ca_, folder_.Write(name + ".pem", pair.certificate),
            folder_.Write(name + ".key", pair.key)};
  }

  // By a connection of its own: credentials of their own.
  static client::Client Connect(const ServerProcess& server, const TlsFiles& files) {
    client::ClientOptions options;
    options.target = server.address();
    options.credentials = *client::TlsCredentials(files);
    return client::Client(options);
  }

  // Whether a new connection comes about.
  static absl::Status Call(const ServerProcess& server, const TlsFiles& files) {
    return Connect(server, files).ListMethods().status();
  }

  static int Count(const ServerProcess& server, const std::string& words) {
    const std::string log = server.Log();
    int count = 0;
    for (size_t at = log.find(words); at != std::string::npos; at = log.find(words, at + 1)) {
      ++count;
    }
    return count;
  }

  // Waits until the server has logged those words more than `before` times.
  static void WaitForLog(const ServerProcess& server, const std::string& words, int before) {
    for (int i = 0; i < 3000 && Count(server, words) <= before; ++i) usleep(10'000);
    ASSERT_GT(Count(server, words), before) << words << "\n" << server.Log();
  }

  const testing::TemporaryFolder folder_;
  const CertificateAuthority authority_{"authority"};
  const CertificateAuthority other_authority_{"other"};
  const std::string ca_ = folder_.Write("ca.pem", authority_.certificate());
  const std::string other_ca_ = folder_.Write("other_ca.pem", other_authority_.certificate());
};

constexpr char kReloaded[] = "certificates reloaded";
constexpr char kKept[] = "keeping the certificates in force: ";

TEST_F(TlsTest, ServesThoseWhoTrustItAndNobodyInPlaintext) {
  Serve(authority_.Issue("server"));
  ServerProcess server(NORMD_SERVER_BINARY, Flags());
  ASSERT_NE(server.port(), 0) << server.Log();
  EXPECT_TRUE(Call(server, {.ca = ca_}).ok()) << Call(server, {.ca = ca_});
  EXPECT_TRUE(absl::IsUnavailable(Call(server, {.ca = other_ca_})));
  client::ClientOptions plaintext;
  plaintext.target = server.address();
  EXPECT_TRUE(absl::IsUnavailable(client::Client(plaintext).ListMethods().status()));
}

TEST_F(TlsTest, MutualTlsLetsInWhomTheClientCaVouchesFor) {
  Serve(authority_.Issue("server"));
  ServerProcess server(NORMD_SERVER_BINARY, Flags({"--tls_client_ca=" + ca_}));
  ASSERT_NE(server.port(), 0) << server.Log();
  EXPECT_TRUE(Call(server, Client("client", authority_)).ok());
  EXPECT_TRUE(absl::IsUnavailable(Call(server, {.ca = ca_})));
  EXPECT_TRUE(absl::IsUnavailable(Call(server, Client("stranger", other_authority_))));
}

TEST_F(TlsTest, NewConnectionsSeeNewCertificatesAndStreamsLiveOn) {
  Serve(authority_.Issue("server"));
  ServerProcess server(NORMD_SERVER_BINARY, Flags());
  ASSERT_NE(server.port(), 0) << server.Log();
  v1::Open open;
  open.mutable_spec()->mutable_layer_norm()->mutable_epsilon()->set_value(0);
  open.add_row_shape(2);
  const client::Client client = Connect(server, {.ca = ca_});
  const auto stream = client.OpenStream(open);
  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_TRUE(absl::IsUnavailable(Call(server, {.ca = other_ca_})));

  Serve(other_authority_.Issue("server"));
  WaitForLog(server, kReloaded, 0);
  EXPECT_TRUE(Call(server, {.ca = other_ca_}).ok()) << Call(server, {.ca = other_ca_});
  EXPECT_TRUE(absl::IsUnavailable(Call(server, {.ca = ca_})));
  const auto rows = (*stream)->Normalize(std::vector<float>{1, 3});
  ASSERT_TRUE(rows.ok()) << rows.status();
  EXPECT_THAT(*rows, ::testing::ElementsAre(-1, 1));
  EXPECT_TRUE((*stream)->Finish().ok());
}

TEST_F(TlsTest, TheClientCaIsReloadedToo) {
  Serve(authority_.Issue("server"));
  const std::string client_ca = folder_.Write("client_ca.pem", authority_.certificate());
  ServerProcess server(NORMD_SERVER_BINARY, Flags({"--tls_client_ca=" + client_ca}));
  ASSERT_NE(server.port(), 0) << server.Log();
  folder_.Write("client_ca.pem", other_authority_.certificate());
  WaitForLog(server, kReloaded, 0);
  EXPECT_TRUE(Call(server, Client("stranger", other_authority_)).ok());
  EXPECT_TRUE(absl::IsUnavailable(Call(server, Client("client", authority_))));
}

TEST_F(TlsTest, WhatDoesNotFitTogetherLeavesTheOldOneServing) {
  const KeyPair good = authority_.Issue("server");
  Serve(good);
  ServerProcess server(NORMD_SERVER_BINARY, Flags({"--admin_listen=127.0.0.1:0",
                                                   "--admin_port_file=" + folder_ / "admin"}));
  ASSERT_NE(server.port(), 0) << server.Log();
  const auto reloads = [&](const std::string& result) {
    auto samples = testing::Scrape(std::stoi(folder_.Read("admin")));
    return samples["normd_tls_reloads_total{result=\"" + result + "\"}"];
  };
  const std::string certificate = folder_ / "server.pem";
  const std::string key = folder_ / "server.key";
  v1::Open open;
  open.mutable_spec()->mutable_layer_norm();
  open.add_row_shape(2);
  const client::Client client = Connect(server, {.ca = ca_});
  const auto stream = client.OpenStream(open);
  ASSERT_TRUE(stream.ok()) << stream.status();
  const auto refused = [&](const std::string& words) {
    WaitForLog(server, kKept + words, 0);
    EXPECT_TRUE(Call(server, {.ca = ca_}).ok()) << words;
    EXPECT_TRUE((*stream)->Normalize(std::vector<float>{1, 3}).ok()) << words;
  };
  folder_.Write("server.key", other_authority_.Issue("server").key);
  refused(key + " is not the key of " + certificate);
  folder_.Write("server.key", good.key.substr(0, good.key.size() / 2));
  refused(key + " is no PEM file");
  folder_.Write("server.key", good.key);
  folder_.Write("server.pem", good.certificate.substr(0, good.certificate.size() / 2));
  refused(certificate + " is no PEM file");
  unlink(certificate.c_str());
  refused(certificate + " cannot be read");
  mkdir(certificate.c_str(), 0700);
  EXPECT_TRUE(Call(server, {.ca = ca_}).ok());
  rmdir(certificate.c_str());
  Serve(authority_.IssueWeak("server"));
  refused(certificate + " is too weak");
  EXPECT_EQ(Count(server, kReloaded), 0);
  EXPECT_EQ(reloads("loaded"), 0);
  EXPECT_GE(reloads("refused"), 4);
  Serve(authority_.Issue("server"));
  WaitForLog(server, kReloaded, 0);
  EXPECT_EQ(reloads("loaded"), 1);
  EXPECT_TRUE(Call(server, {.ca = ca_}).ok());
}

TEST_F(TlsTest, ABadPairAtTheStartIsTold) {
  Serve(authority_.Issue("server"));
  folder_.Write("server.key", authority_.Issue("server").key);
  ServerProcess server(NORMD_SERVER_BINARY, Flags());
  EXPECT_EQ(server.port(), 0);
  EXPECT_NE(server.Wait(), 0);
  EXPECT_THAT(server.Log(), HasSubstr(folder_ / "server.key" + " is not the key of "));
}

TEST_F(TlsTest, AFolderInPlaceOfAFileIsTold) {
  mkdir((folder_ / "server.pem").c_str(), 0700);
  folder_.Write("server.key", authority_.Issue("server").key);
  ServerProcess server(NORMD_SERVER_BINARY, Flags());
  EXPECT_EQ(server.Wait(), 1);
  EXPECT_THAT(server.Log(), HasSubstr(folder_ / "server.pem" + " cannot be read"));
  rmdir((folder_ / "server.pem").c_str());
}

// Good and bad ones by turns, while others connect: NORMD_TEST_ROTATIONS of each.
TEST_F(TlsTest, NoConnectionFailsWhileCertificatesRotate) {
  const char* wanted = std::getenv("NORMD_TEST_ROTATIONS");
  const int rotations = wanted != nullptr ? std::atoi(wanted) : 30;
  Serve(authority_.Issue("server"));
  ServerProcess server(NORMD_SERVER_BINARY, Flags());
  ASSERT_NE(server.port(), 0) << server.Log();
  std::atomic<bool> done = false;
  std::atomic<int> connected = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      while (!done) {
        const absl::Status status = Call(server, {.ca = ca_});
        ++connected;
        if (status.ok()) continue;
        ADD_FAILURE() << status;
        break;
      }
    });
  }
  for (int i = 0; i < rotations && !HasFatalFailure(); ++i) {
    int before = Count(server, kKept);
    switch (i % 3) {
      case 0:
        folder_.Write("server.key", authority_.Issue("server").key);
        break;
      case 1:
        folder_.Write("server.pem", folder_.Read("server.pem").substr(0, 100));
        break;
      default:
        unlink((folder_ / "server.key").c_str());
    }
    WaitForLog(server, kKept, before);
    before = Count(server, kReloaded);
    Serve(authority_.Issue("server"));
    WaitForLog(server, kReloaded, before);
  }
  done = true;
  for (std::thread& client : clients) client.join();
  EXPECT_GT(connected, rotations);
  RecordProperty("connections", connected);
}

TEST_F(TlsTest, AConnectionThatSaysNothingIsClosed) {
  Serve(authority_.Issue("server"));
  ServerProcess server(NORMD_SERVER_BINARY, Flags({"--handshake_timeout=100ms"}));
  ASSERT_NE(server.port(), 0) << server.Log();
  const testing::LoopbackSocket silent(server.port());
  EXPECT_EQ(silent.Receive(1), "");
  EXPECT_TRUE(silent.closed());
}

TEST(PlaintextTest, OnAnAddressThatOthersReachNeedsAFlag) {
  ServerProcess refused(NORMD_SERVER_BINARY, {"--listen=0.0.0.0:0"});
  EXPECT_EQ(refused.port(), 0);
  EXPECT_EQ(refused.Wait(), 2);
  EXPECT_THAT(refused.Log(), ::testing::AllOf(HasSubstr("--tls_cert"), HasSubstr("--tls_key"),
                                              HasSubstr("--allow_plaintext")));
  ServerProcess allowed(NORMD_SERVER_BINARY, {"--listen=0.0.0.0:0", "--allow_plaintext"});
  ASSERT_NE(allowed.port(), 0);
  EXPECT_THAT(allowed.Log(), HasSubstr("plaintext on 0.0.0.0:0"));
  client::ClientOptions options;
  options.target = allowed.address();
  EXPECT_TRUE(client::Client(options).ListMethods().ok());
}

}  // namespace
}  // namespace normd
