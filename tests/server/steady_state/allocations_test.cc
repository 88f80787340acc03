// Once a stream is under way, its tokens allocate nothing but what gRPC needs for its messages.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "server/observability/metrics.h"
#include "server/observability/normalization_metrics.h"
#include "server/rpc/stream_messages.h"
#include "server/rpc/stream_session.h"
#include "server/storage/in_memory_session_store.h"
#include "tests/server/steady_state/counted_allocations.h"
#include "tests/testing/random_values.h"
#include "tests/testing/test_stream.h"

namespace normd::server {
namespace {

class AllocationsTest : public ::testing::Test {
 protected:
  static constexpr int kFeatures = 1024;

  // Of one token after some that are not counted, parsed and answered, but for the slice that gRPC
  // sends.
  int64_t AllocationsOf(v1::Open open, int rows) {
    open.add_row_shape(kFeatures);
    StreamSession session(store_, {}, 1 << 20, metrics_);
    v1::NormalizeStreamRequest request;
    ResultReply reply;
    *request.mutable_open() = open;
    EXPECT_TRUE(session.Open(request, &reply).ok());
    const std::string data = testing::Bytes(testing::RandomFloats(rows * kFeatures));
    int64_t counted = 0;
    for (int number = 1; number <= 5; ++number) {
      v1::NormalizeStreamRequest sent;
      sent.mutable_chunk()->set_sequence_number(number);
      sent.mutable_chunk()->set_data(data);
      const grpc::Slice slice(sent.SerializeAsString());
      grpc::ByteBuffer message(&slice, 1);
      counted = -testing::CountedAllocations();
      EXPECT_TRUE(ParseRequest(message, request));
      EXPECT_TRUE(session.Answer(request, Patience::kRefuse, SerialExecutor(), &reply).ok());
      counted += testing::CountedAllocations();
      counted -= AllocationsOfASlice();
      EXPECT_EQ(reply.message().result().sequence_number(), number);
    }
    return counted;
  }

  static int64_t AllocationsOfASlice() {
    const int64_t before = testing::CountedAllocations();
    const grpc::Slice slice(kFeatures);
    return testing::CountedAllocations() - before;
  }

  v1::Open WithSession(v1::BatchNormMode mode) {
    SessionConfig config;
    config.name = "sessions/s";
    config.spec.method = Method::kBatchNorm;
    config.spec.estimator = Cumulative{};
    config.channels = kFeatures;
    EXPECT_TRUE(store_.Create(config).ok());
    v1::Open open;
    open.set_session(config.name);
    open.set_mode(mode);
    return open;
  }

  Metrics all_metrics_;
  NormalizationMetrics metrics_{all_metrics_};
  InMemorySessionStore store_{{}, [] { return absl::Now(); }};
};

TEST_F(AllocationsTest, AreCounted) {
  const int64_t before = testing::CountedAllocations();
  const std::vector<double> some(10);
  EXPECT_EQ(testing::CountedAllocations(), before + 1);
}

TEST_F(AllocationsTest, AStatelessTokenMakesNone) {
  v1::Open open;
  open.mutable_spec()->mutable_layer_norm();
  EXPECT_EQ(AllocationsOf(open, 1), 0);
  EXPECT_EQ(AllocationsOf(open, 32), 0);
}

TEST_F(AllocationsTest, AStreamingTokenOfASessionMakesNone) {
  const v1::Open open = WithSession(v1::BATCH_NORM_MODE_STREAMING);
  EXPECT_EQ(AllocationsOf(open, 1), 0);
  EXPECT_EQ(AllocationsOf(open, 8), 0);
}

TEST_F(AllocationsTest, ATokenByRunningStatisticsMakesNone) {
  EXPECT_EQ(AllocationsOf(WithSession(v1::BATCH_NORM_MODE_INFERENCE), 1), 0);
}

}  // namespace
}  // namespace normd::server
