// SIGTERM, as the real binary takes it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/testing/connect.h"
#include "tests/testing/server_process.h"
#include "tests/testing/test_stream.h"

namespace normd {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using testing::Bytes;
using testing::Connect;
using testing::ErrorInfoOf;
using testing::LayerNorm;
using testing::ServerProcess;
using testing::TestStream;

// Reads to the end, which Finish waits for.
grpc::Status FinishUnread(TestStream& stream) {
  while (stream.Receive().message_case() != v1::NormalizeStreamResponse::MESSAGE_NOT_SET) {
  }
  return stream.Finish();
}

// Health as a load balancer watches it.
class HealthWatch {
 public:
  explicit HealthWatch(const std::shared_ptr<grpc::Channel>& channel)
      : stub_(Health::NewStub(channel)), reader_(stub_->Watch(&context_, {})) {}
  ~HealthWatch() { context_.TryCancel(); }
  HealthWatch(const HealthWatch&) = delete;
  HealthWatch& operator=(const HealthWatch&) = delete;

  // Waits for the next change; UNKNOWN at the end.
  HealthCheckResponse::ServingStatus Next() {
    HealthCheckResponse response;
    return reader_->Read(&response) ? response.status() : HealthCheckResponse::UNKNOWN;
  }

  HealthCheckResponse::ServingStatus Check() {
    grpc::ClientContext context;
    HealthCheckResponse response;
    EXPECT_TRUE(stub_->Check(&context, {}, &response).ok());
    return response.status();
  }

 private:
  grpc::ClientContext context_;
  const std::unique_ptr<Health::Stub> stub_;
  const std::unique_ptr<grpc::ClientReader<HealthCheckResponse>> reader_;
};

bool IsDraining(const grpc::Status& status) {
  google::rpc::Status rich;
  rich.ParseFromString(status.error_details());
  google::rpc::RetryInfo retry;
  bool tells_when = false;
  for (const auto& detail : rich.details()) tells_when = tells_when || detail.UnpackTo(&retry);
  return status.error_code() == grpc::StatusCode::UNAVAILABLE && tells_when &&
         ErrorInfoOf(status).reason() == "DRAINING";
}

// The delay is far longer than the test: what happens within it happens in time, and only the
// second signal can end it.
TEST(DrainTest, AllIsServedDuringTheDelayAndASecondSignalEndsIt) {
  ServerProcess server(NORMD_SERVER_BINARY, {"--drain_delay=1h", "--drain_timeout=1h"});
  ASSERT_NE(server.port(), 0);
  {
    const auto channel = Connect(server.address());
    HealthWatch health(channel);
    ASSERT_EQ(health.Next(), HealthCheckResponse::SERVING);
    TestStream old(channel);
    old.Open(LayerNorm(2));
    ASSERT_TRUE(old.Receive().has_opened());

    server.Signal(SIGTERM);
    EXPECT_EQ(health.Next(), HealthCheckResponse::NOT_SERVING);
    EXPECT_EQ(health.Check(), HealthCheckResponse::NOT_SERVING);
    old.Send(1, Bytes({1, 2}));
    EXPECT_TRUE(old.Receive().has_result());
    TestStream late(channel);
    late.Open(LayerNorm(2));
    ASSERT_TRUE(late.Receive().has_opened());
    late.Send(1, Bytes({1, 2}));
    EXPECT_TRUE(late.Receive().has_result());

    server.Signal(SIGTERM);
    EXPECT_EQ(FinishUnread(late).error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(FinishUnread(old).error_code(), grpc::StatusCode::UNAVAILABLE);
  }
  EXPECT_EQ(server.Wait(), 0) << server.Log();
}

TEST(DrainTest, AfterTheDelayStreamsEndWithWhatIsInFlight) {
  ServerProcess server(NORMD_SERVER_BINARY, {"--drain_delay=100ms", "--drain_timeout=1h"});
  ASSERT_NE(server.port(), 0);
  {
    const auto channel = Connect(server.address());
    HealthWatch health(channel);
    ASSERT_EQ(health.Next(), HealthCheckResponse::SERVING);
    TestStream stream(channel);
    stream.Open(LayerNorm(2));
    ASSERT_TRUE(stream.Receive().has_opened());
    stream.Send(1, Bytes({1, 2}));
    ASSERT_TRUE(stream.Receive().has_result());
    server.Signal(SIGTERM);
    EXPECT_EQ(health.Next(), HealthCheckResponse::NOT_SERVING);
    const auto last = stream.Receive();
    ASSERT_TRUE(last.has_closed());
    EXPECT_EQ(last.closed().last_sequence_number(), 1);
    const grpc::Status status = stream.Finish();
    EXPECT_TRUE(IsDraining(status)) << status.error_message();
    EXPECT_EQ(ErrorInfoOf(status).metadata().at("last_sequence_number"), "1");
    EXPECT_EQ(health.Next(), HealthCheckResponse::UNKNOWN);  // the watch has ended too
  }
  EXPECT_EQ(server.Wait(), 0) << server.Log();
}

// Chunks are sent all the time: those that were taken are answered, and `closed` counts them.
TEST(DrainTest, WhatWasTakenIsAnswered) {
  ServerProcess server(NORMD_SERVER_BINARY, {"--drain_timeout=1h"});
  ASSERT_NE(server.port(), 0);
  {
    TestStream stream(Connect(server.address()));
    stream.Open(LayerNorm(2));
    ASSERT_TRUE(stream.Receive().has_opened());
    std::thread writer([&stream] {
      for (uint64_t i = 1; stream.Send(i, Bytes({1, 2})); ++i) {
      }
    });
    uint64_t results = 0;
    v1::NormalizeStreamResponse answer = stream.Receive();
    for (; answer.has_result(); answer = stream.Receive()) {
      EXPECT_EQ(answer.result().sequence_number(), ++results);
      if (results == 100) server.Signal(SIGTERM);
    }
    EXPECT_TRUE(answer.has_closed());
    EXPECT_EQ(answer.closed().last_sequence_number(), results);
    writer.join();
    const grpc::Status status = FinishUnread(stream);
    EXPECT_TRUE(IsDraining(status)) << status.error_message();
  }
  EXPECT_EQ(server.Wait(), 0) << server.Log();
}

// A client that reads nothing would hold the drain for as long as it may take.
TEST(DrainTest, ASecondSignalCancelsWhatDoesNotEnd) {
  ServerProcess server(NORMD_SERVER_BINARY, {"--drain_timeout=1h"});
  ASSERT_NE(server.port(), 0);
  {
    const auto channel = Connect(server.address());
    HealthWatch health(channel);
    ASSERT_EQ(health.Next(), HealthCheckResponse::SERVING);
    TestStream stuck(channel);
    v1::Open open = LayerNorm(2);
    open.set_row_shape(0, 1 << 18);
    stuck.Open(open);
    ASSERT_TRUE(stuck.Receive().has_opened());
    std::atomic<uint64_t> sent = 0;
    std::thread writer([&] {
      const std::string chunk(1 << 20, '\0');
      while (stuck.Send(sent + 1, chunk)) ++sent;
    });
    for (uint64_t before = ~uint64_t{0}; before != sent;) {  // until nothing was taken for a while
      before = sent;
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
    }
    server.Signal(SIGTERM);
    EXPECT_EQ(health.Next(), HealthCheckResponse::NOT_SERVING);
    server.Signal(SIGTERM);
    writer.join();  // the call has ended
    EXPECT_FALSE(FinishUnread(stuck).ok());
  }
  EXPECT_EQ(server.Wait(), 0) << server.Log();
}

}  // namespace
}  // namespace normd
