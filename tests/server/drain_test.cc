#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "tests/testing/local_server.h"
#include "tests/testing/test_stream.h"

namespace normd {
namespace {

using testing::TestStream;

// The clients of some streams cancel them, and others leave theirs open, while the server drains.
// A cancelled call still has operations to begin when gRPC takes it for ended.
TEST(DrainTest, CallsThatAreCancelledMeanwhileEndInPeace) {
  for (int round = 0; round < 20; ++round) {
    const auto server = testing::StartServer();
    ASSERT_NE(server, nullptr);
    const auto channel = testing::Connect(*server);
    std::vector<std::unique_ptr<TestStream>> streams;
    for (int i = 0; i < 20; ++i) {
      streams.push_back(std::make_unique<TestStream>(channel));
      streams.back()->Open(testing::LayerNorm(2));
      ASSERT_TRUE(streams.back()->Receive().has_opened());
    }
    std::thread canceller([&streams] {
      for (size_t i = 0; i < streams.size(); i += 2) streams[i]->Cancel();
    });
    server->Drain();
    canceller.join();
    for (const auto& stream : streams) {
      while (stream->Receive().message_case() != v1::NormalizeStreamResponse::MESSAGE_NOT_SET) {
      }
      EXPECT_FALSE(stream->Finish().ok());
    }
  }
}

// A client that writes and never reads: the server waits for it in Write, which no drain can end.
TEST(DrainTest, CallsThatOutlastTheTimeoutAreCancelled) {
  server::ServerOptions options;
  options.drain_timeout = absl::Milliseconds(300);
  const auto server = testing::StartServer(options);
  ASSERT_NE(server, nullptr);
  TestStream stream(testing::Connect(*server));
  stream.Open(testing::LayerNorm(1 << 16));
  ASSERT_TRUE(stream.Receive().has_opened());
  std::atomic<int> sent = 0;
  std::thread writer([&] {
    const std::string chunk = testing::Bytes(std::vector<float>(1 << 16, 1));
    for (int i = 1; stream.Send(i, chunk); ++i) sent = i;
  });
  for (int before = -1; before != sent;) {  // until nothing was taken for a second
    before = sent;
    absl::SleepFor(absl::Seconds(1));
  }
  const absl::Time start = absl::Now();
  server->Drain();  // returns
  EXPECT_GE(absl::Now() - start, options.drain_timeout);
  writer.join();
  while (stream.Receive().message_case() != v1::NormalizeStreamResponse::MESSAGE_NOT_SET) {
  }
  EXPECT_EQ(stream.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace normd
