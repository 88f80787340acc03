#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/impl/codegen/rpc_method.h"
#include "grpcpp/support/sync_stream.h"
#include "tests/server/compare_call.h"
#include "tests/testing/local_server.h"
#include "tests/testing/random_values.h"
#include "tests/testing/test_stream.h"

namespace normd {
namespace {

using testing::Bytes;
using testing::CompareStream;
using testing::ErrorInfoOf;
using testing::Floats;
using testing::RandomFloats;
using testing::RowsOf;

class CompareStreamTest : public ::testing::Test {
 protected:
  void SetUp() override { Restart({}); }

  void Restart(const server::ServerOptions& options) {
    channel_.reset();
    server_.reset();
    server_ = testing::StartServer(options);
    ASSERT_NE(server_, nullptr);
    channel_ = testing::Connect(*server_);
  }

  std::unique_ptr<server::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(CompareStreamTest, BoundsWhatAStreamMayKeep) {
  v1::CompareOpen open = RowsOf({100'000});
  open.add_specs()->mutable_batch_norm();
  open.add_specs()->mutable_layer_norm();
  CompareStream one(channel_, open);
  EXPECT_TRUE(one.Receive().has_opened());
  open.add_specs()->mutable_min_max();
  CompareStream two(channel_, open);
  EXPECT_EQ(two.Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

// 40 MB of statistics are charged to each of these streams.
TEST_F(CompareStreamTest, TheMemoryOfAllStreamsIsBounded) {
  server::ServerOptions options;
  options.max_comparison_bytes = 50 << 20;
  Restart(options);
  CompareStream one(channel_, RowsOf({100'000}));
  EXPECT_TRUE(one.Receive().has_opened());
  {
    CompareStream two(channel_, RowsOf({100'000}));
    EXPECT_TRUE(two.Receive().has_opened());
    CompareStream three(channel_, RowsOf({100'000}));
    const grpc::Status refusal = three.Finish();
    EXPECT_EQ(refusal.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(testing::ErrorInfoOf(refusal).reason(), "TOO_MANY_COMPARISON_BYTES");
    two.Summary();
  }
  CompareStream next(channel_, RowsOf({100'000}));
  EXPECT_TRUE(next.Receive().has_opened());
}

TEST_F(CompareStreamTest, ComparesBatchNormAndLayerNormUnlessToldOtherwise) {
  CompareStream stream(channel_, RowsOf({2}));
  const v1::CompareResponse opened = stream.Receive();
  ASSERT_TRUE(opened.has_opened());
  EXPECT_EQ(opened.opened().next_sequence_number(), 1);
  EXPECT_EQ(opened.opened().output_element_type(), v1::ELEMENT_TYPE_FLOAT32);
  EXPECT_EQ(opened.opened().limits().max_message_bytes(), 4 << 20);
  ASSERT_EQ(opened.opened().resolved_specs_size(), 2);
  const v1::BatchNorm& batch_norm = opened.opened().resolved_specs(0).batch_norm();
  EXPECT_EQ(batch_norm.channel_axis(), -1);
  EXPECT_TRUE(batch_norm.estimator().has_cumulative());
  EXPECT_EQ(batch_norm.epsilon().value(), 1e-5);
  EXPECT_EQ(opened.opened().resolved_specs(1).layer_norm().normalized_rank(), 1);

  const v1::CompareResponse first = stream.Compare({0, 1, 2, 5});
  ASSERT_TRUE(first.has_result());
  EXPECT_EQ(first.result().sequence_number(), 1);
  ASSERT_EQ(first.result().methods_size(), 2);
  EXPECT_EQ(first.result().methods(0).measurements().output_gap(), 0);
  EXPECT_FALSE(first.result().methods(0).measurements().has_mean_discrepancy());
  EXPECT_TRUE(first.result().methods(0).inference_output().empty());
  // Means 3 and 4 after 1 and 3, deviations 1 and 2.
  const v1::CompareResponse second = stream.Compare({2, 2, 4, 6});
  const v1::Measurements& measured = second.result().methods(0).measurements();
  EXPECT_EQ(measured.values(), 2);
  EXPECT_EQ(measured.mean_discrepancy(), 1.25);
  EXPECT_EQ(measured.deviation_discrepancy(), 0);
  EXPECT_NEAR(measured.mean_noise_floor(), std::sqrt(2 / M_PI), 1e-15);
  EXPECT_FALSE(measured.has_deviation_noise_floor());

  const v1::CompareSummary summary = stream.Summary();
  EXPECT_EQ(summary.last_sequence_number(), 2);
  ASSERT_EQ(summary.methods_size(), 2);
  EXPECT_EQ(summary.methods(0).measurements().values(), 4);
  EXPECT_EQ(summary.methods(0).cold_start_size(), 2);
  EXPECT_EQ(summary.methods(0).statistics().batches(), 2);
  EXPECT_FALSE(summary.methods(1).has_statistics());
  EXPECT_EQ(summary.methods(1).measurements().largest_gap(), 0);
}

TEST_F(CompareStreamTest, AChunkThatOneMethodRefusesEntersNone) {
  v1::CompareOpen open = RowsOf({1});
  v1::NormalizationSpec* lenient = open.add_specs();
  lenient->mutable_batch_norm()->mutable_estimator()->mutable_cumulative();
  lenient->set_non_finite(v1::NON_FINITE_POLICY_PROPAGATE);
  open.add_specs()->mutable_layer_norm();
  CompareStream stream(channel_, open);
  ASSERT_TRUE(stream.Receive().has_opened());
  EXPECT_TRUE(stream.Compare({1, 2, 3}).has_result());
  const v1::CompareResponse refused =
      stream.Compare({1, std::numeric_limits<float>::quiet_NaN(), 3});
  ASSERT_TRUE(refused.has_error());
  EXPECT_EQ(refused.error().sequence_number(), 2);
  EXPECT_EQ(refused.error().status().code(), grpc::StatusCode::INVALID_ARGUMENT);
  google::rpc::BadRequest bad_request;
  for (const auto& detail : refused.error().status().details()) detail.UnpackTo(&bad_request);
  EXPECT_EQ(bad_request.field_violations(0).field(), "chunk.data");
  v1::Chunk half;
  half.set_data("ab");
  EXPECT_TRUE(stream.Compare(half).has_error());
  const v1::CompareSummary summary = stream.Summary();
  EXPECT_EQ(summary.last_sequence_number(), 3);
  EXPECT_EQ(summary.methods(0).measurements().values(), 3);
  EXPECT_EQ(summary.methods(1).measurements().values(), 3);
}

TEST_F(CompareStreamTest, AMaskEqualsSlicingBitForBit) {
  constexpr int kSteps = 4;
  constexpr int kFeatures = 3;
  constexpr int kStep = kFeatures;
  constexpr int kRow = kSteps * kFeatures;
  v1::CompareOpen open = RowsOf({kSteps, kFeatures});
  open.set_return_outputs(true);
  CompareStream masked(channel_, open);
  open = RowsOf({kFeatures});
  open.set_return_outputs(true);
  CompareStream sliced(channel_, open);
  ASSERT_TRUE(masked.Receive().has_opened());
  ASSERT_TRUE(sliced.Receive().has_opened());
  const std::vector<int64_t> lengths = {4, 2, 3, 1, 4};
  const unsigned mask = 0b11011;  // without the third row
  for (int seed = 1; seed <= 2; ++seed) {
    std::vector<float> x = RandomFloats(5 * kRow, 0, 1, seed);
    std::vector<float> valid;
    std::vector<bool> is_valid;
    for (int i = 0; i < 5 * kSteps; ++i) {
      const int row = i / kSteps;
      is_valid.push_back(((mask >> row) & 1) != 0 && i % kSteps < lengths[row]);
      const auto begin = x.begin() + i * kStep;
      if (is_valid.back()) {
        valid.insert(valid.end(), begin, begin + kStep);
      } else {
        *begin = std::numeric_limits<float>::quiet_NaN();
      }
    }
    v1::Chunk chunk;
    chunk.set_data(Bytes(x));
    chunk.mutable_lengths()->Assign(lengths.begin(), lengths.end());
    chunk.set_row_mask(std::string(1, static_cast<char>(mask)));
    const v1::CompareResponse a = masked.Compare(chunk);
    const v1::CompareResponse b = sliced.Compare(valid);
    ASSERT_TRUE(a.has_result());
    ASSERT_TRUE(b.has_result());
    EXPECT_EQ(a.result().methods(0).measurements().values(), valid.size() / kFeatures);
    EXPECT_EQ(a.result().methods(0).measurements().mean_discrepancy(),
              b.result().methods(0).measurements().mean_discrepancy());
    EXPECT_EQ(a.result().methods(1).measurements().output_gap(), 0);
    const auto expect_same = [&](const std::string& with, const std::string& without) {
      const auto y = Floats(with);
      ASSERT_EQ(y.size(), x.size());
      std::vector<float> taken_out;
      for (int i = 0; i < 5 * kSteps; ++i) {
        const auto begin = y.begin() + i * kStep;
        if (is_valid[i]) {
          taken_out.insert(taken_out.end(), begin, begin + kStep);
        } else {
          EXPECT_EQ(std::vector<float>(begin, begin + kStep), std::vector<float>(kStep, 0));
        }
      }
      EXPECT_EQ(Bytes(taken_out), without);
    };
    for (int i = 0; i < 2; ++i) {
      const v1::MethodResult& with = a.result().methods(i);
      const v1::MethodResult& without = b.result().methods(i);
      expect_same(with.inference_output(), without.inference_output());
      EXPECT_EQ(with.training_output().empty(), i == 1);
      if (i == 0) expect_same(with.training_output(), without.training_output());
    }
  }
  v1::Chunk bad;
  bad.set_data(Bytes(std::vector<float>(kRow)));
  bad.add_lengths(5);
  EXPECT_TRUE(masked.Compare(bad).has_error());
}

TEST_F(CompareStreamTest, LengthsNeedEveryMethodToHaveSteps) {
  v1::CompareOpen open = RowsOf({4, 3});
  open.add_specs()->mutable_layer_norm();
  open.add_specs()->mutable_batch_norm()->set_channel_axis(1);  // the steps themselves
  CompareStream stream(channel_, open);
  ASSERT_TRUE(stream.Receive().has_opened());
  v1::Chunk chunk;
  chunk.set_data(Bytes(RandomFloats(12)));
  chunk.add_lengths(2);
  EXPECT_TRUE(stream.Compare(chunk).has_error());
  chunk.clear_lengths();
  chunk.set_row_mask(std::string(1, '\1'));
  EXPECT_TRUE(stream.Compare(chunk).has_result());
}

TEST_F(CompareStreamTest, OutputsAreOfTheTypeAskedForAndFitAMessage) {
  v1::CompareOpen open = RowsOf({1024});
  open.set_return_outputs(true);
  open.set_output_element_type(v1::ELEMENT_TYPE_FLOAT64);
  CompareStream stream(channel_, open);
  EXPECT_EQ(stream.Receive().opened().output_element_type(), v1::ELEMENT_TYPE_FLOAT64);
  const v1::CompareResponse single = stream.Compare(RandomFloats(1024));
  EXPECT_EQ(single.result().methods(0).inference_output().size(), 8192);
  EXPECT_TRUE(single.result().methods(0).training_output().empty());  // TRAINING refuses it
  EXPECT_EQ(single.result().methods(1).inference_output().size(), 8192);
  // 2 outputs of BatchNorm and 1 of LayerNorm, of 8 bytes an element: 171 rows are too many.
  EXPECT_TRUE(stream.Compare(RandomFloats(1024 * 171)).has_error());
  EXPECT_EQ(stream.Summary().methods(0).measurements().values(), 1);
}

TEST_F(CompareStreamTest, BadOpensNameTheField) {
  const auto field_of = [&](const v1::CompareOpen& open) -> std::string {
    CompareStream stream(channel_, open);
    if (stream.Receive().has_opened()) return "none";
    const grpc::Status status = stream.Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    google::rpc::Status rich;
    rich.ParseFromString(status.error_details());
    google::rpc::BadRequest bad_request;
    for (const auto& detail : rich.details()) detail.UnpackTo(&bad_request);
    return bad_request.field_violations_size() == 1 ? bad_request.field_violations(0).field() : "";
  };
  v1::CompareOpen open = RowsOf({4});
  open.add_specs()->mutable_rms_norm();
  open.add_specs()->mutable_layer_norm()->mutable_epsilon()->set_value(-1);
  EXPECT_EQ(field_of(open), "open.specs[1].layer_norm.epsilon.value");
  open.mutable_specs(1)->mutable_layer_norm()->mutable_epsilon()->clear_value();
  open.mutable_specs(1)->set_clip(-1);
  EXPECT_EQ(field_of(open), "open.specs[1].clip");
  open.mutable_specs(1)->clear_clip();
  open.mutable_specs(1)->mutable_layer_norm()->set_normalized_rank(2);
  EXPECT_EQ(field_of(open), "open.specs[1].layer_norm.normalized_rank");
  open = RowsOf({4});
  for (int i = 0; i < 16; ++i) open.add_specs()->mutable_layer_norm();
  EXPECT_EQ(field_of(open), "none");
  open.add_specs()->mutable_layer_norm();
  EXPECT_EQ(field_of(open), "open.specs");
  EXPECT_EQ(field_of(RowsOf({})), "open.row_shape");
  EXPECT_EQ(field_of(RowsOf({0})), "open.row_shape");
  EXPECT_EQ(field_of(RowsOf({1 << 21})), "open.row_shape");
  open = RowsOf({int64_t{1} << 40});
  open.add_specs()->mutable_min_max()->set_low(-1);  // would take 8 TiB
  EXPECT_EQ(field_of(open), "open.row_shape");
  open = RowsOf({4});
  open.set_element_type(static_cast<v1::ElementType>(99));
  EXPECT_EQ(field_of(open), "open.element_type");
}

TEST_F(CompareStreamTest, MessagesMustComeInOrder) {
  v1::Chunk third;
  third.set_sequence_number(3);
  CompareStream gap(channel_, RowsOf({2}));
  gap.Send(third);
  EXPECT_TRUE(gap.Receive().has_opened());
  EXPECT_TRUE(gap.Receive().has_summary());
  const grpc::Status status = gap.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(ErrorInfoOf(status).metadata().at("expected"), "1");
  EXPECT_EQ(ErrorInfoOf(status).metadata().at("last_sequence_number"), "0");

  CompareStream twice(channel_, RowsOf({2}));
  twice.Open(RowsOf({2}));
  EXPECT_TRUE(twice.Receive().has_opened());
  EXPECT_TRUE(twice.Receive().has_summary());
  EXPECT_EQ(twice.Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(CompareStreamTest, AMessageThatCannotBeParsedIsNoHalfClose) {
  const grpc::internal::RpcMethod method("/normd.v1.ComparisonService/Compare",
                                         grpc::internal::RpcMethod::BIDI_STREAMING, channel_);
  grpc::ClientContext context;
  const std::unique_ptr<grpc::ClientReaderWriter<grpc::ByteBuffer, v1::CompareResponse>> stream(
      grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, v1::CompareResponse>::Create(
          channel_.get(), method, &context));
  v1::CompareRequest open;
  *open.mutable_open() = RowsOf({2});
  for (const std::string& message : {open.SerializeAsString(), std::string("\xFF")}) {
    const grpc::Slice slice(message);
    stream->Write(grpc::ByteBuffer(&slice, 1));
  }
  v1::CompareResponse response;
  ASSERT_TRUE(stream->Read(&response));
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_TRUE(response.has_summary());
  EXPECT_FALSE(stream->Read(&response));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(ErrorInfoOf(status).reason(), "MALFORMED_MESSAGE");
  EXPECT_EQ(status.error_message(), "a message is no CompareRequest");
}

TEST_F(CompareStreamTest, TheCapOnStreamsIsThatOfAllServices) {
  Restart({.max_streams = 1});
  testing::TestStream first(channel_);
  v1::Open open;
  open.mutable_spec()->mutable_layer_norm();
  open.add_row_shape(2);
  first.Open(open);
  EXPECT_TRUE(first.Receive().has_opened());
  CompareStream second(channel_, RowsOf({2}));
  const grpc::Status status = second.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "TOO_MANY_STREAMS");
}

TEST_F(CompareStreamTest, DrainingGivesTheSummaryAndTellsWhy) {
  CompareStream stream(channel_, RowsOf({2}));
  EXPECT_TRUE(stream.Receive().has_opened());
  EXPECT_TRUE(stream.Compare({1, 2, 3, 4}).has_result());
  std::thread drain([&] { server_->Drain(); });
  const v1::CompareResponse last = stream.Receive();
  ASSERT_TRUE(last.has_summary());
  EXPECT_EQ(last.summary().methods(0).measurements().values(), 2);
  const grpc::Status status = stream.Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "DRAINING");
  EXPECT_EQ(ErrorInfoOf(status).metadata().at("last_sequence_number"), "1");
  drain.join();
}

TEST_F(CompareStreamTest, HealthKnowsTheService) {
  grpc::ClientContext context;
  grpc::health::v1::HealthCheckRequest request;
  request.set_service("normd.v1.ComparisonService");
  grpc::health::v1::HealthCheckResponse response;
  const auto stub = grpc::health::v1::Health::NewStub(channel_);
  ASSERT_TRUE(stub->Check(&context, request, &response).ok());
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
}

}  // namespace
}  // namespace normd
