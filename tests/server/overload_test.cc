// What a server does that cannot keep up.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "normd/v1/session.grpc.pb.h"
#include "tests/testing/gated_clock.h"
#include "tests/testing/local_server.h"
#include "tests/testing/scrape.h"
#include "tests/testing/test_stream.h"

namespace normd {
namespace {

using testing::Bytes;
using testing::LayerNorm;
using testing::TestStream;

// What opening a stream and half-closing it comes to.
grpc::Status OpenAndClose(const std::shared_ptr<grpc::Channel>& channel) {
  TestStream stream(channel);
  stream.Open(LayerNorm(2));
  stream.HalfClose();
  while (stream.Receive().message_case() != v1::NormalizeStreamResponse::MESSAGE_NOT_SET) {
  }
  return stream.Finish();
}

bool HasRetryInfo(const grpc::Status& status) {
  google::rpc::Status rich;
  rich.ParseFromString(status.error_details());
  google::rpc::RetryInfo retry;
  for (const auto& detail : rich.details()) {
    if (detail.UnpackTo(&retry)) return true;
  }
  return false;
}

class OverloadTest : public ::testing::Test {
 protected:
  ~OverloadTest() override { clock_.Open(); }

  void Start(int threads) {
    server::ServerOptions options;
    options.threads = threads;
    options.max_queue_delay = absl::Milliseconds(20);
    options.ready_streams = 1;  // or the connection's next 64 wait for its loop, stuck or not
    options.admin_listen = "127.0.0.1:0";
    options.clock = clock_;
    server_ = testing::StartServer(options);
    ASSERT_NE(server_, nullptr);
    channel_ = testing::Connect(*server_);
    sessions_ = v1::SessionService::NewStub(channel_);
    grpc::ClientContext context;
    v1::CreateSessionResponse response;
    ASSERT_TRUE(sessions_->CreateSession(&context, testing::PooledSession("s", 2), &response).ok());
  }

  // The first event loop, until the clock is opened: the server asks it there each second whether
  // its session is idle. It holds the lock of all sessions then: no metrics can be had.
  void HoldALoop() {
    clock_.Close();
    clock_.WaitUntilHeld();
  }

  // Makes calls until one is refused, whose status it returns, and opens the clock. Those that gRPC
  // gives to the loop that is stuck wait for that.
  grpc::Status CallUntilRefused(const std::function<grpc::Status()>& call) {
    grpc::Status refused;
    std::vector<std::future<grpc::Status>> calls;
    for (int i = 0; i < 3000 && refused.ok(); ++i) {
      if (calls.size() < 4) calls.push_back(std::async(std::launch::async, call));
      std::erase_if(calls, [&refused](std::future<grpc::Status>& made) {
        if (made.wait_for(std::chrono::milliseconds(5)) != std::future_status::ready) return false;
        const grpc::Status status = made.get();
        if (!status.ok()) refused = status;
        return true;
      });
    }
    clock_.Open();
    return refused;
  }

  testing::GatedClock clock_;
  std::unique_ptr<server::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::SessionService::Stub> sessions_;
};

TEST_F(OverloadTest, NewStreamsAreRefusedAndOpenOnesGoOn) {
  Start(2);
  TestStream open(channel_);
  open.Open(LayerNorm(2));
  ASSERT_TRUE(open.Receive().has_opened());
  HoldALoop();
  const grpc::Status refused = CallUntilRefused([this] { return OpenAndClose(channel_); });
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(testing::ErrorInfoOf(refused).reason(), "OVERLOADED");
  EXPECT_TRUE(HasRetryInfo(refused));
  open.Send(1, Bytes({1, 2}));
  EXPECT_TRUE(open.Receive().has_result());
  grpc::Status later = refused;
  for (int i = 0; i < 3000 && !later.ok(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    later = OpenAndClose(channel_);
  }
  EXPECT_TRUE(later.ok());
  testing::Samples samples = testing::Scrape(server_->admin_port());
  EXPECT_GE(samples["normd_refusals_total{reason=\"OVERLOADED\"}"], 1);
  EXPECT_EQ(samples["normd_overloaded"], 0);
}

TEST_F(OverloadTest, BatchesAreRefusedToo) {
  Start(2);
  HoldALoop();
  const auto stub = v1::NormalizationService::NewStub(channel_);
  v1::NormalizeRequest request;
  request.mutable_spec()->mutable_layer_norm();
  request.mutable_input()->set_element_type(v1::ELEMENT_TYPE_FLOAT32);
  request.mutable_input()->add_shape(1);
  request.mutable_input()->add_shape(2);
  request.mutable_input()->set_data(Bytes({1, 2}));
  std::atomic<int> pushed_back = 0;
  const grpc::Status refused = CallUntilRefused([&] {
    grpc::ClientContext context;
    v1::NormalizeResponse response;
    const grpc::Status status = stub->Normalize(&context, request, &response);
    if (context.GetServerTrailingMetadata().contains("grpc-retry-pushback-ms")) ++pushed_back;
    return status;
  });
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(testing::ErrorInfoOf(refused).reason(), "OVERLOADED");
  EXPECT_GE(pushed_back, 1);
}

TEST_F(OverloadTest, WhatComesAfterItsDeadlineChangesNoStatistics) {
  Start(1);
  grpc::ClientContext context;
  const auto deadline = std::chrono::system_clock::now() + std::chrono::seconds(3);
  context.set_deadline(deadline);
  const auto stub = v1::NormalizationService::NewStub(channel_);
  const auto stream = stub->NormalizeStream(&context);
  v1::NormalizeStreamRequest request;
  request.mutable_open()->set_session("sessions/s");
  request.mutable_open()->set_mode(v1::BATCH_NORM_MODE_STREAMING);
  request.mutable_open()->add_row_shape(2);
  v1::NormalizeStreamResponse response;
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&response)) << "the machine is too slow";
  HoldALoop();
  request.mutable_chunk()->set_sequence_number(1);
  request.mutable_chunk()->set_data(Bytes({1, 2, 3, 4}));
  ASSERT_TRUE(stream->Write(request));
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  // The server's deadline is later, by the way of the call.
  std::this_thread::sleep_until(deadline + std::chrono::seconds(1));
  clock_.Open();
  grpc::ClientContext get;
  v1::GetSessionRequest get_request;
  get_request.set_name("sessions/s");
  v1::GetSessionResponse session;
  ASSERT_TRUE(sessions_->GetSession(&get, get_request, &session).ok());
  EXPECT_EQ(session.session().statistics().version(), 0);
}

}  // namespace
}  // namespace normd
