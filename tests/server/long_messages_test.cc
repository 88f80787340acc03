// Messages that take long are answered beside the event loop, and hold nobody up there.
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "tests/server/compare_call.h"
#include "tests/server/normalize_stream_fixture.h"
#include "tests/testing/held_clock.h"
#include "tests/testing/random_values.h"
#include "tests/testing/scrape.h"

namespace normd {
namespace {

using testing::Bytes;
using testing::CompareStream;
using testing::ErrorInfoOf;
using testing::HeldClock;
using testing::LayerNorm;
using testing::RandomFloats;
using testing::TestStream;

constexpr int kFeatures = 256;
constexpr int kManyRows = 512;  // 512 KiB

std::string Data(int rows, int seed = 1) {
  return Bytes(RandomFloats(int64_t{rows} * kFeatures, 3, 10, seed));
}

class LongMessagesTest : public testing::NormalizeStreamTest {
 protected:
  void SetUp() override { RestartWith({}); }
  void TearDown() override {
    clock_.Release();
    channel_.reset();
    server_.reset();
  }

  // One event loop, and so many workers; with a session "s".
  void RestartWith(server::ServerOptions options, int workers = 1) {
    options.threads = 1;
    options.workers = workers;
    options.clock = clock_;
    options.admin_listen = "127.0.0.1:0";
    Restart(options);
    CreateSession("s", kFeatures);
  }

  std::unique_ptr<TestStream> Opened(const v1::Open& open) {
    auto stream = std::make_unique<TestStream>(channel_);
    stream->Open(open);
    EXPECT_TRUE(stream->Receive().has_opened());
    return stream;
  }

  std::unique_ptr<TestStream> OpenedOnSession(v1::BatchNormMode mode) {
    return Opened(OnSession("s", kFeatures, mode));
  }

  // A stream whose long chunk keeps a worker, and the session's turn, until clock_.Release().
  std::unique_ptr<TestStream> Hold() {
    auto stream = OpenedOnSession(v1::BATCH_NORM_MODE_STREAMING);
    clock_.Arm();
    stream->Send(1, Data(kManyRows));
    clock_.WaitUntilHeld();
    return stream;
  }

  double Metric(const std::string& name) { return testing::Scrape(server_->admin_port())[name]; }

  void WaitUntil(const std::string& metric, double value) {
    for (int i = 0; Metric(metric) != value; ++i) {
      ASSERT_LT(i, 1000) << metric << " is " << Metric(metric);
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  v1::NormalizeRequest Batch(int rows) {
    v1::NormalizeRequest request;
    request.mutable_input()->set_element_type(v1::ELEMENT_TYPE_FLOAT32);
    request.mutable_input()->add_shape(rows);
    request.mutable_input()->add_shape(kFeatures);
    request.mutable_input()->set_data(Data(rows));
    return request;
  }

  // A deadline, so that a server whose loop is held up fails the test instead of hanging it.
  v1::NormalizeResponse Normalize(const v1::NormalizeRequest& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
    v1::NormalizeResponse response;
    const grpc::Status status =
        v1::NormalizationService::NewStub(channel_)->Normalize(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  HeldClock clock_;
};

TEST_F(LongMessagesTest, ShortOnesOfTheSameLoopAreAnsweredMeanwhile) {
  const auto small = Opened(LayerNorm(kFeatures));
  const auto large = Opened(LayerNorm(kFeatures));
  CompareStream compare(channel_, testing::RowsOf({kFeatures}));
  CompareStream small_compare(channel_, testing::RowsOf({kFeatures}));
  EXPECT_TRUE(compare.Receive().has_opened());
  EXPECT_TRUE(small_compare.Receive().has_opened());
  const auto held = Hold();

  large->Send(1, Data(kManyRows));
  v1::Chunk chunk;
  chunk.set_sequence_number(1);
  chunk.set_data(Data(kManyRows));
  compare.Send(chunk);
  v1::NormalizeRequest batch = Batch(kManyRows);
  batch.mutable_spec()->mutable_layer_norm();
  auto unary = std::async(std::launch::async, [&] { return Normalize(batch); });
  WaitUntil("normd_pool_waiting", 3);

  small->Send(1, Data(1));
  EXPECT_TRUE(small->Receive().has_result());
  EXPECT_TRUE(small_compare.Compare(RandomFloats(kFeatures)).has_result());
  v1::NormalizeRequest small_batch = Batch(1);
  small_batch.mutable_spec()->mutable_layer_norm();
  EXPECT_EQ(Normalize(small_batch).output().data().size(), kFeatures * sizeof(float));
  EXPECT_EQ(Metric("normd_pool_waiting"), 3);

  clock_.Release();
  EXPECT_TRUE(held->Receive().has_result());
  EXPECT_TRUE(large->Receive().has_result());
  EXPECT_TRUE(compare.Receive().has_result());
  EXPECT_EQ(unary.get().output().data().size(), batch.input().data().size());
  EXPECT_EQ(Metric("normd_pool_jobs_total"), 4);
}

// The loop must not wait for a session, nor may those who do take all workers.
TEST_F(LongMessagesTest, ShortOnesOfTheSameSessionWaitForTheirTurnElsewhere) {
  RestartWith({}, 2);
  const auto reader = OpenedOnSession(v1::BATCH_NORM_MODE_INFERENCE);
  const auto other = Opened(LayerNorm(kFeatures));
  std::vector<std::unique_ptr<TestStream>> writers;
  for (int i = 0; i < 4; ++i) {
    writers.push_back(OpenedOnSession(v1::BATCH_NORM_MODE_STREAMING));
  }
  const auto held = Hold();
  for (const auto& writer : writers) writer->Send(1, Data(1));
  v1::NormalizeRequest batch = Batch(1);
  batch.set_session("sessions/s");
  batch.set_mode(v1::BATCH_NORM_MODE_STREAMING);
  auto unary = std::async(std::launch::async, [&] { return Normalize(batch); });
  WaitUntil("normd_pool_waiting", 5);

  reader->Send(1, Data(1));
  EXPECT_EQ(reader->Receive().result().statistics_version(), 0);
  other->Send(1, Data(kManyRows));  // by the other worker
  EXPECT_TRUE(other->Receive().has_result());

  clock_.Release();
  EXPECT_EQ(held->Receive().result().statistics_version(), 1);
  uint64_t versions = 0;
  for (const auto& writer : writers) versions += writer->Receive().result().statistics_version();
  versions += unary.get().statistics_version();
  EXPECT_EQ(versions, 2 + 3 + 4 + 5 + 6);
}

TEST_F(LongMessagesTest, AStreamThatIsCancelledMeanwhileEndsInPeace) {
  const auto held = Hold();
  held->Cancel();
  EXPECT_EQ(held->Finish().error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_EQ(Metric("normd_streams"), 1);
  clock_.Release();
  WaitUntil("normd_streams", 0);
  const auto next = OpenedOnSession(v1::BATCH_NORM_MODE_STREAMING);
  next->Send(1, Data(1));
  EXPECT_EQ(next->Receive().result().statistics_version(), 2);
}

TEST_F(LongMessagesTest, ADrainLetsThemEnd) {
  const auto held = Hold();
  std::thread drain([&] { server_->Drain(); });
  WaitUntil("normd_ready", 0);
  clock_.Release();
  EXPECT_TRUE(held->Receive().has_result());
  EXPECT_EQ(held->Receive().closed().last_sequence_number(), 1);
  EXPECT_EQ(ErrorInfoOf(held->Finish()).reason(), "DRAINING");
  drain.join();
}

// Its call is cancelled, but what computes cannot be.
TEST_F(LongMessagesTest, ADrainThatTimesOutWaitsForTheWorkersAllTheSame) {
  server::ServerOptions options;
  options.drain_timeout = absl::Milliseconds(100);
  RestartWith(options);
  const auto held = Hold();
  v1::NormalizeRequest batch = Batch(kManyRows);
  batch.mutable_spec()->mutable_layer_norm();
  auto unary = std::async(std::launch::async, [&] {
    grpc::ClientContext context;
    v1::NormalizeResponse response;
    return v1::NormalizationService::NewStub(channel_)->Normalize(&context, batch, &response);
  });
  WaitUntil("normd_pool_waiting", 1);
  auto drain = std::async(std::launch::async, [&] { server_->Drain(); });
  EXPECT_FALSE(held->Finish().ok());
  EXPECT_FALSE(unary.get().ok());
  EXPECT_EQ(drain.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  clock_.Release();
  drain.get();
}

TEST_F(LongMessagesTest, WhatAWorkerThrowsEndsTheCallOnly) {
  const auto stream = OpenedOnSession(v1::BATCH_NORM_MODE_STREAMING);
  clock_.ArmToThrow([] { throw std::bad_alloc(); });
  stream->Send(1, Data(kManyRows));
  EXPECT_TRUE(stream->Receive().has_closed());
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_TRUE(ErrorInfoOf(status).metadata().contains("error_id"));
  const auto next = OpenedOnSession(v1::BATCH_NORM_MODE_STREAMING);
  next->Send(1, Data(kManyRows));
  EXPECT_EQ(next->Receive().result().statistics_version(), 1);
}

// What the loop answers itself, the workers answer alike.
TEST_F(LongMessagesTest, TheBitsAreTheSame) {
  std::vector<std::string> answers[2];
  for (const bool by_workers : {false, true}) {
    server::ServerOptions options;
    options.inline_bytes = by_workers ? 0 : 1 << 30;
    RestartWith(options);
    const auto keep = [&](const google::protobuf::Message& answer) {
      answers[by_workers].push_back(answer.SerializeAsString());
    };
    for (const auto& stream :
         {Opened(LayerNorm(kFeatures)), OpenedOnSession(v1::BATCH_NORM_MODE_STREAMING)}) {
      for (int i = 1; i <= 3; ++i) {
        stream->Send(i, Data(i == 2 ? kManyRows : 1, i));
        keep(stream->Receive());
      }
    }
    CompareStream compare(channel_, testing::RowsOf({kFeatures}));
    EXPECT_TRUE(compare.Receive().has_opened());
    keep(compare.Compare(RandomFloats(kManyRows * kFeatures)));
    keep(compare.Summary());
    v1::NormalizeRequest batch = Batch(kManyRows);
    batch.mutable_spec()->mutable_group_norm()->set_group_count(4);
    keep(Normalize(batch));
    EXPECT_EQ(Metric("normd_pool_jobs_total") > 0, by_workers);
  }
  EXPECT_EQ(answers[0], answers[1]);
}

TEST_F(LongMessagesTest, ALongChunkComesOutAsShortOnes) {
  const std::string x = Data(kManyRows);
  for (const v1::Open& open :
       {LayerNorm(kFeatures), OnSession("s", kFeatures, v1::BATCH_NORM_MODE_STREAMING)}) {
    SCOPED_TRACE(open.DebugString());
    const auto whole = Opened(open);
    whole->Send(1, x);
    const std::string y = whole->Receive().result().data();
    RestartWith({});
    const auto cut = Opened(open);
    std::string pieces;
    for (int i = 0; i < kManyRows / 8; ++i) {
      const size_t size = x.size() / (kManyRows / 8);
      cut->Send(i + 1, x.substr(i * size, size));
      pieces += cut->Receive().result().data();
    }
    EXPECT_EQ(Metric("normd_pool_jobs_total"), 0);
    EXPECT_TRUE(pieces == y);
  }
}

}  // namespace
}  // namespace normd
