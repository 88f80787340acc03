#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "server/server.h"
#include "tests/testing/test_stream.h"

namespace normd {
namespace {

using testing::TestStream;

// The clients of some streams cancel them, and others leave theirs open, while the server drains.
// A cancelled call still has operations to begin when gRPC takes it for ended.
TEST(DrainTest, CallsThatAreCancelledMeanwhileEndInPeace) {
  for (int round = 0; round < 20; ++round) {
    server::ServerOptions options;
    options.listen = "127.0.0.1:0";
    options.threads = 2;
    auto server = server::Server::Start(options);
    ASSERT_TRUE(server.ok()) << server.status();
    const auto channel = grpc::CreateChannel("127.0.0.1:" + std::to_string((*server)->port()),
                                             grpc::InsecureChannelCredentials());
    v1::Open open;
    open.mutable_spec()->mutable_layer_norm();
    open.add_row_shape(2);
    std::vector<std::unique_ptr<TestStream>> streams;
    for (int i = 0; i < 20; ++i) {
      streams.push_back(std::make_unique<TestStream>(channel));
      streams.back()->Open(open);
      ASSERT_TRUE(streams.back()->Receive().has_opened());
    }
    std::thread canceller([&streams] {
      for (size_t i = 0; i < streams.size(); i += 2) streams[i]->Cancel();
    });
    (*server)->Drain();
    canceller.join();
    for (const auto& stream : streams) {
      while (stream->Receive().message_case() != v1::NormalizeStreamResponse::MESSAGE_NOT_SET) {
      }
      EXPECT_FALSE(stream->Finish().ok());
    }
  }
}

TEST(DrainTest, CallsThatOutlastTheTimeoutAreCancelled) {
  server::ServerOptions options;
  options.listen = "127.0.0.1:0";
  options.drain_timeout = absl::ZeroDuration();
  auto server = server::Server::Start(options);
  ASSERT_TRUE(server.ok()) << server.status();
  TestStream stream(grpc::CreateChannel("127.0.0.1:" + std::to_string((*server)->port()),
                                        grpc::InsecureChannelCredentials()));
  v1::Open open;
  open.mutable_spec()->mutable_layer_norm();
  open.add_row_shape(2);
  stream.Open(open);
  ASSERT_TRUE(stream.Receive().has_opened());
  (*server)->Drain();  // returns
  while (stream.Receive().message_case() != v1::NormalizeStreamResponse::MESSAGE_NOT_SET) {
  }
  EXPECT_FALSE(stream.Finish().ok());
}

}  // namespace
}  // namespace normd
