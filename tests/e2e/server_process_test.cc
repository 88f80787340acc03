#include "tests/testing/server_process.h"

#include <gtest/gtest.h>

#include <atomic>
#include <sstream>
#include <string>
#include <thread>

#include "normd/v1/session.grpc.pb.h"
#include "tests/e2e/malformed/raw_call.h"
#include "tests/testing/connect.h"
#include "tests/testing/test_stream.h"

namespace normd {
namespace {

using testing::Bytes;
using testing::Connect;
using testing::ErrorInfoOf;
using testing::LayerNorm;
using testing::ServerProcess;
using testing::TestStream;

TEST(ServerProcessTest, StreamsOverTcpAndExitsZeroWhenTerminated) {
  ServerProcess server(NORMD_SERVER_BINARY, {});
  ASSERT_NE(server.port(), 0);
  TestStream stream(Connect(server.address()));
  stream.Open(LayerNorm(4));
  ASSERT_TRUE(stream.Receive().has_opened());
  stream.Send(1, Bytes({1, 2, 3, 4}));
  ASSERT_TRUE(stream.Receive().has_result());
  server.Signal(SIGTERM);
  const auto closed = stream.Receive();
  ASSERT_TRUE(closed.has_closed());
  EXPECT_EQ(closed.closed().last_sequence_number(), 1);
  const grpc::Status status = stream.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "DRAINING");
  EXPECT_EQ(server.Wait(), 0);
}

TEST(ServerProcessTest, ASecondServerOnThePortIsRefused) {
  ServerProcess first(NORMD_SERVER_BINARY, {});
  ASSERT_NE(first.port(), 0);
  ServerProcess second(NORMD_SERVER_BINARY, {"--listen=" + first.address(), "--log_level=off"});
  EXPECT_EQ(second.port(), 0);
  EXPECT_EQ(second.Wait(), 1);
}

// Nobody asks for the session again: the server itself lets go of it.
TEST(ServerProcessTest, IdleSessionsAreDeletedUnasked) {
  ServerProcess server(NORMD_SERVER_BINARY, {"--session_idle_timeout=10ms", "--log_level=info"});
  ASSERT_NE(server.port(), 0);
  v1::CreateSessionRequest request;
  request.set_session_id("s");
  request.mutable_session()->set_channel_count(1);
  request.mutable_session()->mutable_spec()->mutable_batch_norm();
  grpc::ClientContext context;
  v1::CreateSessionResponse response;
  const auto sessions = v1::SessionService::NewStub(Connect(server.address()));
  ASSERT_TRUE(sessions->CreateSession(&context, request, &response).ok());
  const auto has_expired = [&server] {
    return server.Log().find("1 idle sessions expired") != std::string::npos;
  };
  for (int i = 0; i < 300 && !has_expired(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_TRUE(has_expired()) << server.Log();
}

// gRPC logs too where it cannot listen: its lines must be of the same form.
TEST(ServerProcessTest, LogLinesAreJsonObjectsWhereThatIsAskedFor) {
  ServerProcess first(NORMD_SERVER_BINARY, {});
  ASSERT_NE(first.port(), 0);
  ServerProcess second(NORMD_SERVER_BINARY, {"--listen=" + first.address(), "--log_format=json"});
  EXPECT_EQ(second.Wait(), 1);
  std::istringstream log(second.Log());
  int lines = 0;
  std::string last;
  for (std::string line; std::getline(log, line); ++lines) {
    EXPECT_EQ(line.find("{\"time\":\""), 0) << line;
    EXPECT_NE(line.find("\"level\":\"error\""), std::string::npos) << line;
    EXPECT_EQ(line.substr(line.size() - 2), "\"}") << line;
    last = line;
  }
  EXPECT_GE(lines, 2) << second.Log();
  EXPECT_NE(last.find("\"message\":\"cannot listen on " + first.address()), std::string::npos)
      << last;
}

// protobuf writes a line of its own for each; who sends many could fill a disk.
TEST(ServerProcessTest, AMessageThatIsNotUtf8IsNoLineInTheLog) {
  ServerProcess server(NORMD_SERVER_BINARY, {});
  ASSERT_NE(server.port(), 0);
  const malformed::Case request = {malformed::kGetSession, false, {"\x0A\x02\xC3\x28"}, {}};
  EXPECT_EQ(malformed::MakeCall(Connect(server.address()), request).status.error_code(),
            grpc::StatusCode::INTERNAL);
  EXPECT_EQ(server.Log(), "");
}

TEST(ServerProcessTest, BadFlagsExitWithTwo) {
  for (const char* flag :
       {"--log_format=xml", "--max_message_bytes=4294967297", "--max_message_bytes=-1",
        "--max_row_elements=9223372036854775807", "--max_streams=-1", "--threads=-1", "stray",
        "--max_rank=1", "--listen=127.0.0.1", "--listen=127.0.0.1:65536", "--drain_delay=-1s",
        "--tls_key=/dev/null"}) {
    ServerProcess server(NORMD_SERVER_BINARY, {flag, "--log_level=off"});
    EXPECT_EQ(server.port(), 0) << flag;
    EXPECT_EQ(server.Wait(), 2) << flag;
  }
}

TEST(ServerProcessTest, AMessageAboveTheLimitEndsTheCall) {
  ServerProcess server(NORMD_SERVER_BINARY, {"--max_message_bytes=4096"});
  ASSERT_NE(server.port(), 0);
  TestStream above(Connect(server.address()));
  above.Open(LayerNorm(1025));  // no message can bring such a row
  EXPECT_FALSE(above.Receive().has_opened());
  EXPECT_EQ(above.Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  TestStream stream(Connect(server.address()));
  stream.Open(LayerNorm(1024));
  ASSERT_TRUE(stream.Receive().has_opened());
  stream.Send(1, Bytes(std::vector<float>(2048, 1)));
  EXPECT_EQ(stream.Receive().message_case(), v1::NormalizeStreamResponse::MESSAGE_NOT_SET);
  EXPECT_EQ(stream.Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

// One chunk in, one result out, and the transport's windows: a client that only writes must be
// stopped.
TEST(ServerProcessTest, AClientThatOnlyWritesIsStoppedByFlowControl) {
  ServerProcess server(NORMD_SERVER_BINARY, {});
  ASSERT_NE(server.port(), 0);
  TestStream stream(Connect(server.address()));
  stream.Open(LayerNorm(16384));
  const std::string chunk = Bytes(std::vector<float>(16384, 1));
  std::atomic<int> sent = 0;
  std::thread writer([&] {
    for (int i = 1; i <= 20'000 && stream.Send(i, chunk); ++i) sent = i;
  });
  int before = -1;
  while (before != sent) {  // until nothing was taken for a second
    before = sent;
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  EXPECT_LT(sent, 2000);  // 128 MB of 1.3 GB
  stream.Cancel();
  writer.join();
  EXPECT_EQ(stream.Finish().error_code(), grpc::StatusCode::CANCELLED);
}

}  // namespace
}  // namespace normd
