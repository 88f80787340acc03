// A client that dies without a word is noticed by keepalive.
#include <gtest/gtest.h>

#include <thread>

#include "normd/v1/session.grpc.pb.h"
#include "tests/testing/server_process.h"
#include "tests/testing/severable_proxy.h"
#include "tests/testing/test_stream.h"

namespace normd {
namespace {

using testing::TestStream;

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  return grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
}

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

}  // namespace
}  // namespace normd
