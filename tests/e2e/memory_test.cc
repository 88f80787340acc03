// What the server holds of messages: while they arrive, and when they are answered. Sanitizers have
// allocators of their own, which tell nothing of that.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/testing/connect.h"
#include "tests/testing/server_process.h"
#include "tests/testing/test_stream.h"

namespace normd {
namespace {

using testing::Connect;
using testing::ServerProcess;
using testing::TestStream;

constexpr int64_t kMiB = 1 << 20;
constexpr int kLargeRow = 1 << 19;  // 2 MiB a row

std::string Row() { return testing::Bytes(std::vector<float>(kLargeRow, 1)); }

// gRPC ends streams, not the process.
TEST(MemoryTest, MoreThanTheTransportMayHoldEndsStreams) {
  ServerProcess server(NORMD_SERVER_BINARY, {"--max_transport_bytes=8388608"});
  ASSERT_NE(server.port(), 0);
  std::vector<std::thread> clients;
  std::atomic<int> exhausted = 0;
  for (int i = 0; i < 40; ++i) {
    clients.emplace_back([&] {
      TestStream stream(Connect(server.address()));
      stream.Open(testing::LayerNorm(kLargeRow));
      bool goes_on = stream.Receive().has_opened();
      for (int k = 1; goes_on && k <= 20; ++k) {
        goes_on = stream.Send(k, Row()) && stream.Receive().has_result();
      }
      if (goes_on) return stream.Cancel();
      while (stream.Receive().message_case() != v1::NormalizeStreamResponse::MESSAGE_NOT_SET) {
      }
      if (stream.Finish().error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED) ++exhausted;
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_GT(exhausted, 0);
  TestStream next(Connect(server.address()));
  next.Open(testing::LayerNorm(kLargeRow));
  EXPECT_TRUE(next.Receive().has_opened());
  next.Cancel();
}

// But for what is cut into pieces in the allocator's arenas, one a thread. A request and its answer
// of each stream would be 96 MiB.
TEST(MemoryTest, LargeMessagesLeaveLittleBehind) {
  ServerProcess server(NORMD_SERVER_BINARY, {});
  ASSERT_NE(server.port(), 0);
  const int64_t before = server.ResidentBytes();
  const auto channel = Connect(server.address());
  std::vector<std::unique_ptr<TestStream>> streams;
  std::vector<std::thread> clients;
  for (int i = 0; i < 16; ++i) {
    TestStream& stream = *streams.emplace_back(std::make_unique<TestStream>(channel));
    clients.emplace_back([&stream] {
      stream.Open(testing::LayerNorm(kLargeRow));
      EXPECT_TRUE(stream.Receive().has_opened());
      for (int k = 1; k <= 5; ++k) {
        stream.Send(k, Row());
        EXPECT_TRUE(stream.Receive().has_result());
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_GT(server.PeakBytes() - before, 16 * kMiB);  // what there is to give back
  // The streams are open still.
  const auto held = [&] { return server.ResidentBytes() - before; };
  for (int i = 0; i < 200 && held() > 40 * kMiB; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_LT(held(), 40 * kMiB);
}

}  // namespace
}  // namespace normd

#endif
