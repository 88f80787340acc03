// A client that dies without a word is noticed by keepalive.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "normd/v1/session.grpc.pb.h"
#include "tests/testing/connect.h"
#include "tests/testing/scrape.h"
#include "tests/testing/server_process.h"
#include "tests/testing/severable_proxy.h"
#include "tests/testing/temporary_folder.h"
#include "tests/testing/test_stream.h"

namespace normd {
namespace {

using testing::Connect;
using testing::TestStream;

// An open stream keeps its session from expiring: then there is no time of expiry.
bool IsStreaming(v1::SessionService::Stub& sessions) {
  grpc::ClientContext context;
  v1::GetSessionRequest request;
  request.set_name("sessions/s");
  v1::GetSessionResponse response;
  EXPECT_TRUE(sessions.GetSession(&context, request, &response).ok());
  return !response.session().has_expire_time();
}

TEST(DeadClientTest, IsNoticedByKeepaliveAndItsSessionKept) {
  testing::ServerProcess server(NORMD_SERVER_BINARY,
                                {"--keepalive_time=200ms", "--keepalive_timeout=200ms"});
  ASSERT_NE(server.port(), 0);
  const auto sessions = v1::SessionService::NewStub(Connect(server.address()));
  grpc::ClientContext context;
  v1::CreateSessionRequest create;
  create.set_session_id("s");
  create.mutable_session()->set_channel_count(1);
  create.mutable_session()->mutable_spec()->mutable_batch_norm();
  v1::CreateSessionResponse created;
  ASSERT_TRUE(sessions->CreateSession(&context, create, &created).ok());

  testing::SeverableProxy proxy(server.port());
  TestStream stream(Connect(proxy.address()));
  v1::Open open;
  open.set_session("sessions/s");
  open.add_row_shape(1);
  stream.Open(open);
  ASSERT_TRUE(stream.Receive().has_opened());
  // Alive and silent, far longer than keepalive waits: the client's gRPC answers by itself.
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(IsStreaming(*sessions));
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  proxy.Sever();
  for (int i = 0; i < 300 && IsStreaming(*sessions); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_FALSE(IsStreaming(*sessions));
  stream.Cancel();
  EXPECT_FALSE(stream.Finish().ok());
}

constexpr int kFeatures = 1 << 18;  // 1 MiB a row

// Sends a chunk and never reads its answer: the server holds both, but for what HTTP/2's windows
// take of the answer.
class UnreadClient {
 public:
  explicit UnreadClient(int server_port)
      : proxy_(server_port), stream_(ConnectWithSmallWindow(proxy_.address())) {
    stream_.Open(testing::LayerNorm(kFeatures));
    EXPECT_TRUE(stream_.Receive().has_opened());
    EXPECT_TRUE(stream_.Send(1, testing::Bytes(std::vector<float>(kFeatures, 1))));
  }
  ~UnreadClient() {
    stream_.Cancel();
    EXPECT_FALSE(stream_.Finish().ok());
  }

  void Die() { proxy_.Sever(); }

 private:
  // HTTP/2's first window, 64 KiB, and no more, whatever the way would bear.
  static std::shared_ptr<grpc::Channel> ConnectWithSmallWindow(const std::string& address) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    return Connect(address, arguments);
  }

  testing::SeverableProxy proxy_;
  TestStream stream_;
};

TEST(DeadClientTest, ManyLeaveNothingBehind) {
  constexpr int kClients = 20;
  constexpr double kMiB = 1 << 20;
  const testing::TemporaryFolder folder;
  testing::ServerProcess server(
      NORMD_SERVER_BINARY, {"--keepalive_time=1s", "--keepalive_timeout=2s", "--unread_timeout=1h",
                            "--admin_listen=127.0.0.1:0", "--admin_port_file=" + folder / "admin"});
  ASSERT_NE(server.port(), 0);
  const int admin_port = std::stoi(folder.Read("admin"));
  testing::Samples samples;
  // Scrapes until it holds, or for so long that it will not.
  const auto wait_for = [&](const auto& condition) {
    for (int i = 0; i < 600; ++i) {
      samples = testing::Scrape(admin_port);
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
  };
  samples = testing::Scrape(admin_port);
  const int64_t before = server.ResidentBytes();
  std::vector<std::unique_ptr<UnreadClient>> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<UnreadClient>(server.port()));
  }
  ASSERT_TRUE(wait_for([&] { return samples["normd_bytes_in_flight"] >= 2 * kClients * kMiB; }))
      << samples["normd_bytes_in_flight"];
  [[maybe_unused]] const int64_t held = server.ResidentBytes() - before;
  EXPECT_EQ(samples["normd_streams"], kClients);
  for (const auto& client : clients) client->Die();
  EXPECT_TRUE(wait_for([&] { return samples["normd_streams"] == 0; })) << samples["normd_streams"];
  EXPECT_EQ(samples["normd_bytes_in_flight"], 0);
// Sanitizers have allocators of their own, which tell nothing of memory.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_GT(held, kClients * kMiB);
  EXPECT_TRUE(wait_for([&] { return server.ResidentBytes() - before < held / 4; }))
      << server.ResidentBytes() - before << " of " << held << " are held still";
#endif
}

}  // namespace
}  // namespace normd
