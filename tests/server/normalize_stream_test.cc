#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

#include "absl/strings/str_cat.h"
#include "core/method/method.h"
#include "tests/server/normalize_stream_fixture.h"

namespace normd {
namespace {

using testing::Bytes;
using ::testing::ElementsAre;
using testing::ErrorInfoOf;
using ::testing::FloatNear;
using testing::Floats;
using ::testing::HasSubstr;
using testing::LayerNorm;
using testing::NormalizeStreamTest;
using testing::TestStream;

TEST_F(NormalizeStreamTest, AnswersEveryChunkInOrderAndCloses) {
  TestStream stream(channel_);
  stream.Open(LayerNorm(2));
  const auto opened = stream.Receive();
  ASSERT_TRUE(opened.has_opened());
  EXPECT_EQ(opened.opened().next_sequence_number(), 1);
  EXPECT_EQ(opened.opened().resolved_spec().layer_norm().epsilon().value(), 1e-5);
  EXPECT_EQ(opened.opened().resolved_spec().layer_norm().normalized_rank(), 1);
  for (uint64_t i = 1; i <= 100; ++i) {
    stream.Send(i, Bytes({1, 3}));
    const auto answer = stream.Receive();
    ASSERT_TRUE(answer.has_result());
    EXPECT_EQ(answer.result().sequence_number(), i);
    EXPECT_THAT(Floats(answer.result().data()),
                ElementsAre(FloatNear(-1, 1e-4), FloatNear(1, 1e-4)));
  }
  stream.HalfClose();
  const auto closed = stream.Receive();
  ASSERT_TRUE(closed.has_closed());
  EXPECT_EQ(closed.closed().last_sequence_number(), 100);
  EXPECT_TRUE(stream.Finish().ok());
}

TEST_F(NormalizeStreamTest, RefusesAChunkBeforeOpen) {
  TestStream stream(channel_);
  stream.Send(1, Bytes({1, 2}));
  EXPECT_EQ(stream.Receive().message_case(), v1::NormalizeStreamResponse::MESSAGE_NOT_SET);
  EXPECT_EQ(stream.Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(NormalizeStreamTest, ASecondOpenEndsTheCallAfterClosed) {
  TestStream stream(channel_);
  stream.Open(LayerNorm(2));
  stream.Open(LayerNorm(2));
  EXPECT_TRUE(stream.Receive().has_opened());
  EXPECT_TRUE(stream.Receive().has_closed());
  EXPECT_EQ(stream.Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(NormalizeStreamTest, AGapEndsTheCallAndTellsTheExpectedNumber) {
  TestStream stream(channel_);
  stream.Open(LayerNorm(2));
  stream.Send(1, Bytes({1, 2}));
  stream.Send(3, Bytes({1, 2}));
  EXPECT_TRUE(stream.Receive().has_opened());
  EXPECT_TRUE(stream.Receive().has_result());
  EXPECT_TRUE(stream.Receive().has_closed());
  const grpc::Status status = stream.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ErrorInfoOf(status).metadata().at("expected"), "2");
  EXPECT_EQ(ErrorInfoOf(status).metadata().at("last_sequence_number"), "1");
}

TEST_F(NormalizeStreamTest, AWrongSizeIsAnErrorOfThatChunkOnly) {
  TestStream stream(channel_);
  stream.Open(LayerNorm(2));
  EXPECT_TRUE(stream.Receive().has_opened());
  stream.Send(1, "seven b");
  const auto answer = stream.Receive();
  ASSERT_TRUE(answer.has_error());
  EXPECT_EQ(answer.error().sequence_number(), 1);
  EXPECT_EQ(answer.error().status().code(), grpc::StatusCode::INVALID_ARGUMENT);
  google::rpc::BadRequest bad_request;
  ASSERT_EQ(answer.error().status().details_size(), 2);
  ASSERT_TRUE(answer.error().status().details(1).UnpackTo(&bad_request));
  EXPECT_EQ(bad_request.field_violations(0).field(), "chunk.data");
  stream.Send(2, Bytes({1, 3}));
  EXPECT_TRUE(stream.Receive().has_result());
}

TEST_F(NormalizeStreamTest, BadOpensNameTheField) {
  const auto field_of = [&](const v1::Open& open) -> std::string {
    TestStream stream(channel_);
    stream.Open(open);
    const grpc::Status status = stream.Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    google::rpc::Status rich;
    rich.ParseFromString(status.error_details());
    google::rpc::BadRequest bad_request;
    for (const auto& detail : rich.details()) detail.UnpackTo(&bad_request);
    return bad_request.field_violations_size() == 1 ? bad_request.field_violations(0).field() : "";
  };
  v1::Open open = LayerNorm(0);
  EXPECT_EQ(field_of(open), "open.row_shape");
  open = LayerNorm(1 << 21);
  EXPECT_EQ(field_of(open), "open.row_shape");
  open = LayerNorm(4);
  for (int i = 0; i < 3; ++i) open.add_row_shape(int64_t{1} << 40);  // the product overflows
  EXPECT_EQ(field_of(open), "open.row_shape");
  open = LayerNorm(4);
  open.mutable_spec()->mutable_layer_norm()->mutable_epsilon()->set_value(-1);
  EXPECT_EQ(field_of(open), "open.spec.layer_norm.epsilon.value");
  open = LayerNorm(4);
  v1::Tensor* gamma = open.mutable_spec()->mutable_layer_norm()->mutable_affine()->mutable_gamma();
  gamma->set_element_type(v1::ELEMENT_TYPE_FLOAT32);
  gamma->add_shape(4);
  gamma->set_data(Bytes({1, 2, 3}));
  EXPECT_EQ(field_of(open), "open.spec.layer_norm.affine.gamma.data");
  open.clear_target();
  EXPECT_EQ(field_of(open), "open.target");
  open = LayerNorm(4);
  open.set_element_type(static_cast<v1::ElementType>(99));
  EXPECT_EQ(field_of(open), "open.element_type");
  open = LayerNorm(4);
  open.set_output_element_type(static_cast<v1::ElementType>(99));
  EXPECT_EQ(field_of(open), "open.output_element_type");
  open = LayerNorm(4);
  open.mutable_spec()->set_clip(0);
  EXPECT_EQ(field_of(open), "open.spec.clip");
  open = LayerNorm(4);
  open.set_direction(v1::DIRECTION_INVERSE);
  EXPECT_EQ(field_of(open), "open.direction");
  open = LayerNorm(4);
  open.mutable_spec()->mutable_batch_norm();
  open.set_mode(v1::BATCH_NORM_MODE_STREAMING);
  EXPECT_EQ(field_of(open), "open.mode");
}

TEST_F(NormalizeStreamTest, NanIsRefusedAndLeavesTheStatisticsAlone) {
  CreateSession("s", 2);
  TestStream stream(channel_);
  v1::Open open = OnSession("s", 2, v1::BATCH_NORM_MODE_STREAMING);
  open.set_return_statistics(true);
  stream.Open(open);
  EXPECT_TRUE(stream.Receive().has_opened());
  stream.Send(1, Bytes({1, 2}));
  EXPECT_EQ(stream.Receive().result().statistics_version(), 1);
  stream.Send(2, Bytes({std::numeric_limits<float>::quiet_NaN(), 2}));
  EXPECT_EQ(stream.Receive().error().status().code(), grpc::StatusCode::INVALID_ARGUMENT);
  stream.HalfClose();
  const auto closed = stream.Receive();
  ASSERT_TRUE(closed.has_closed());
  EXPECT_EQ(closed.closed().last_sequence_number(), 2);
  EXPECT_EQ(closed.closed().statistics().version(), 1);
  double count = 0;
  std::memcpy(&count, closed.closed().statistics().count().data().data(), sizeof(count));
  EXPECT_EQ(count, 1);
}

TEST_F(NormalizeStreamTest, TrainingRefusesASingleTokenAndNamesTheWayOut) {
  CreateSession("s", 2);
  TestStream stream(channel_);
  stream.Open(OnSession("s", 2, v1::BATCH_NORM_MODE_TRAINING));
  EXPECT_TRUE(stream.Receive().has_opened());
  stream.Send(1, Bytes({1, 2}));
  const auto answer = stream.Receive();
  ASSERT_TRUE(answer.has_error());
  EXPECT_EQ(ErrorInfoOf(answer.error().status()).reason(), "NEEDS_MORE_ROWS");
  EXPECT_THAT(answer.error().status().message(), HasSubstr("STREAMING"));
  EXPECT_THAT(answer.error().status().message(), HasSubstr("INFERENCE"));
}

TEST_F(NormalizeStreamTest, FrozenSessionsRefuseUpdatesInBand) {
  CreateSession("s", 1);
  SetFrozen("s", true);
  TestStream stream(channel_);
  stream.Open(OnSession("s", 1, v1::BATCH_NORM_MODE_STREAMING));
  EXPECT_TRUE(stream.Receive().has_opened());
  stream.Send(1, Bytes({5}));
  const auto refused = stream.Receive();
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().status().code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ErrorInfoOf(refused.error().status()).reason(), "FROZEN");
  SetFrozen("s", false);
  stream.Send(2, Bytes({5}));
  EXPECT_TRUE(stream.Receive().has_result());
}

TEST_F(NormalizeStreamTest, UnknownSessionsAreNotFound) {
  TestStream stream(channel_);
  stream.Open(OnSession("none", 1, v1::BATCH_NORM_MODE_INFERENCE));
  const grpc::Status status = stream.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  google::rpc::Status rich;
  rich.ParseFromString(status.error_details());
  google::rpc::ResourceInfo resource;
  for (const auto& detail : rich.details()) detail.UnpackTo(&resource);
  EXPECT_EQ(resource.resource_name(), "sessions/none");
}

TEST_F(NormalizeStreamTest, ADeletedSessionEndsItsStreamsAtTheNextChunk) {
  CreateSession("s", 1);
  TestStream stream(channel_);
  stream.Open(OnSession("s", 1, v1::BATCH_NORM_MODE_STREAMING));
  EXPECT_TRUE(stream.Receive().has_opened());
  EXPECT_TRUE(DeleteSession("s").ok());
  stream.Send(1, Bytes({5}));
  const auto closed = stream.Receive();
  ASSERT_TRUE(closed.has_closed());
  EXPECT_EQ(closed.closed().last_sequence_number(), 0);  // the chunk was not answered
  const grpc::Status status = stream.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ErrorInfoOf(status).metadata().at("last_sequence_number"), "0");
}

TEST_F(NormalizeStreamTest, ChannelsMustBeTheSessions) {
  CreateSession("s", 3);
  TestStream stream(channel_);
  stream.Open(OnSession("s", 2, v1::BATCH_NORM_MODE_STREAMING));
  const grpc::Status status = stream.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ErrorInfoOf(status).metadata().at("expected"), "3");
}

TEST_F(NormalizeStreamTest, StreamsAboveTheCapAreRefused) {
  Restart({.max_streams = 1});
  TestStream first(channel_);
  first.Open(LayerNorm(2));
  EXPECT_TRUE(first.Receive().has_opened());
  TestStream second(channel_);
  const grpc::Status status = second.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "TOO_MANY_STREAMS");
  first.HalfClose();
  EXPECT_TRUE(first.Receive().has_closed());
  EXPECT_TRUE(first.Finish().ok());
}

TEST_F(NormalizeStreamTest, ManyStreamsFeedOneSessionExactly) {
  constexpr int kStreams = 8;
  constexpr int kTokens = 500;
  CreateSession("s", 4);
  std::vector<std::thread> threads;
  for (int i = 0; i < kStreams; ++i) {
    threads.emplace_back([&, i] {
      TestStream stream(channel_);
      stream.Open(OnSession("s", 4, v1::BATCH_NORM_MODE_STREAMING));
      stream.Receive();
      for (int k = 1; k <= kTokens; ++k) {
        const auto value = static_cast<float>(i * kTokens + k);
        stream.Send(k, Bytes({value, -value, 1, 0}));
        stream.Receive();
      }
      stream.HalfClose();
      EXPECT_TRUE(stream.Receive().has_closed());
      EXPECT_TRUE(stream.Finish().ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  v1::GetSessionRequest request;
  request.set_name("sessions/s");
  grpc::ClientContext context;
  v1::GetSessionResponse response;
  ASSERT_TRUE(sessions_->GetSession(&context, request, &response).ok());
  const v1::RunningStatistics& statistics = response.session().statistics();
  EXPECT_EQ(statistics.version(), kStreams * kTokens);
  std::vector<double> mean(4);
  std::memcpy(mean.data(), statistics.mean_variance().mean().data().data(), 32);
  const double n = kStreams * kTokens;
  EXPECT_NEAR(mean[0], (n + 1) / 2, 1e-9);
  EXPECT_NEAR(mean[1], -(n + 1) / 2, 1e-9);
  EXPECT_EQ(mean[2], 1);
  std::vector<double> variance(4);
  std::memcpy(variance.data(), statistics.mean_variance().variance().data().data(), 32);
  EXPECT_NEAR(variance[0], (n * n - 1) / 12, 1e-5);
  EXPECT_EQ(variance[2], 0);
}

TEST_F(NormalizeStreamTest, DrainingClosesStreamsAndTellsWhy) {
  TestStream stream(channel_);
  stream.Open(LayerNorm(2));
  EXPECT_TRUE(stream.Receive().has_opened());
  stream.Send(1, Bytes({1, 3}));
  EXPECT_TRUE(stream.Receive().has_result());
  std::thread drain([&] { server_->Drain(); });
  const auto closed = stream.Receive();
  ASSERT_TRUE(closed.has_closed());
  EXPECT_EQ(closed.closed().last_sequence_number(), 1);
  const grpc::Status status = stream.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "DRAINING");
  EXPECT_EQ(ErrorInfoOf(status).metadata().at("last_sequence_number"), "1");
  drain.join();
}

TEST_F(NormalizeStreamTest, ACancelledStreamLeavesTheServerWhole) {
  for (int i = 0; i < 50; ++i) {
    TestStream stream(channel_);
    stream.Open(LayerNorm(2));
    stream.Send(1, Bytes({1, 3}));
    if (i % 2 == 0) stream.Receive();
    stream.Cancel();
    EXPECT_EQ(stream.Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  TestStream stream(channel_);
  stream.Open(LayerNorm(2));
  EXPECT_TRUE(stream.Receive().has_opened());
  stream.HalfClose();
  EXPECT_TRUE(stream.Receive().has_closed());
  EXPECT_TRUE(stream.Finish().ok());
}

TEST_F(NormalizeStreamTest, ListsTheMethods) {
  grpc::ClientContext context;
  v1::ListMethodsResponse response;
  const auto stub = v1::NormalizationService::NewStub(channel_);
  ASSERT_TRUE(stub->ListMethods(&context, {}, &response).ok());
  ASSERT_EQ(response.methods_size(), Methods().size());
  for (int i = 0; i < response.methods_size(); ++i) {
    const MethodTraits& traits = Methods()[i];
    EXPECT_EQ(response.methods(i).name(), std::string(traits.name));
    EXPECT_EQ(response.methods(i).depends_on_batch(), traits.depends_on_batch);
    EXPECT_EQ(response.methods(i).keeps_running_statistics(), traits.keeps_running_statistics);
    EXPECT_EQ(response.methods(i).has_default_epsilon(), traits.epsilon.has_value());
  }
}

}  // namespace
}  // namespace normd
