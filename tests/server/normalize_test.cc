// The unary call.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "google/rpc/error_details.pb.h"
#include "tests/testing/local_server.h"
#include "tests/testing/test_stream.h"

namespace normd {
namespace {

using testing::Bytes;
using ::testing::ElementsAre;
using testing::ErrorInfoOf;
using testing::Floats;
using ::testing::Pointwise;

class NormalizeTest : public ::testing::Test {
 protected:
  // A batch of float32, by no method yet.
  static v1::NormalizeRequest Batch(std::vector<int64_t> shape, const std::vector<float>& values) {
    v1::NormalizeRequest request;
    request.mutable_input()->set_element_type(v1::ELEMENT_TYPE_FLOAT32);
    request.mutable_input()->mutable_shape()->Assign(shape.begin(), shape.end());
    request.mutable_input()->set_data(Bytes(values));
    return request;
  }

  grpc::Status Normalize(const v1::NormalizeRequest& request) {
    grpc::ClientContext context;
    response_.Clear();
    return stub_->Normalize(&context, request, &response_);
  }

  std::vector<float> Values(const v1::NormalizeRequest& request) {
    const grpc::Status status = Normalize(request);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return Floats(response_.output().data());
  }

  std::string FieldOf(const v1::NormalizeRequest& request) {
    const grpc::Status status = Normalize(request);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    google::rpc::Status rich;
    rich.ParseFromString(status.error_details());
    google::rpc::BadRequest bad_request;
    for (const auto& detail : rich.details()) detail.UnpackTo(&bad_request);
    return bad_request.field_violations_size() == 1 ? bad_request.field_violations(0).field() : "";
  }

  static void SetDoubles(const std::vector<double>& values, v1::Tensor* tensor) {
    tensor->set_element_type(v1::ELEMENT_TYPE_FLOAT64);
    tensor->add_shape(static_cast<int64_t>(values.size()));
    tensor->set_data(values.data(), values.size() * sizeof(double));
  }

  static std::vector<double> Doubles(const v1::Tensor& tensor) {
    std::vector<double> values(tensor.data().size() / sizeof(double));
    std::memcpy(values.data(), tensor.data().data(), tensor.data().size());
    return values;
  }

  std::unique_ptr<server::Server> server_ = testing::StartServer();
  std::shared_ptr<grpc::Channel> channel_ = testing::Connect(*server_);
  std::unique_ptr<v1::NormalizationService::Stub> stub_ =
      v1::NormalizationService::NewStub(channel_);
  v1::NormalizeResponse response_;
};

MATCHER(IsNear, "") { return std::fabs(std::get<0>(arg) - std::get<1>(arg)) < 1e-6; }

TEST_F(NormalizeTest, AnswersABatchWithItsShapeAndTheResolvedSpec) {
  v1::NormalizeRequest request = Batch({2, 2}, {1, 3, -5, 5});
  request.mutable_spec()->mutable_layer_norm()->mutable_epsilon()->set_value(0);
  EXPECT_THAT(Values(request), ElementsAre(-1, 1, -1, 1));
  EXPECT_THAT(response_.output().shape(), ElementsAre(2, 2));
  EXPECT_EQ(response_.output().element_type(), v1::ELEMENT_TYPE_FLOAT32);
  EXPECT_EQ(response_.resolved_spec().profile(), v1::PROFILE_PYTORCH);
  EXPECT_EQ(response_.resolved_spec().layer_norm().normalized_rank(), 1);
  EXPECT_EQ(response_.mode(), v1::BATCH_NORM_MODE_UNSPECIFIED);
}

TEST_F(NormalizeTest, TrainsOnTheBatchWhereThereAreNoStatistics) {
  v1::NormalizeRequest request = Batch({2, 1}, {10, 14});
  request.mutable_spec()->mutable_batch_norm();
  const float expected = 2 / std::sqrt(4 + 1e-5F);
  EXPECT_THAT(Values(request), Pointwise(IsNear(), {-expected, expected}));
  EXPECT_EQ(response_.mode(), v1::BATCH_NORM_MODE_TRAINING);
  EXPECT_FALSE(response_.has_statistics());
}

TEST_F(NormalizeTest, TakesStatisticsInline) {
  v1::NormalizeRequest request = Batch({1, 2}, {10, 10});
  request.mutable_spec()->mutable_standardization();
  v1::RunningStatistics* statistics = request.mutable_statistics();
  SetDoubles({8, 20}, statistics->mutable_mean_variance()->mutable_mean());
  SetDoubles({4, 25}, statistics->mutable_mean_variance()->mutable_variance());
  SetDoubles({100}, statistics->mutable_count());
  EXPECT_THAT(Values(request), ElementsAre(1, -2));
  EXPECT_EQ(response_.mode(), v1::BATCH_NORM_MODE_INFERENCE);
  request.set_direction(v1::DIRECTION_INVERSE);
  request.mutable_input()->set_data(Bytes({1, -2}));
  EXPECT_THAT(Values(request), ElementsAre(10, 10));
}

// The client keeps the statistics; the server forgets them.
TEST_F(NormalizeTest, ReturnsUpdatedStatisticsToGoOnFrom) {
  v1::NormalizeRequest request = Batch({2, 1}, {1, 3});
  request.mutable_spec()->mutable_min_max();
  request.set_mode(v1::BATCH_NORM_MODE_STREAMING);
  request.set_return_statistics(true);
  EXPECT_THAT(Values(request), ElementsAre(0, 1));
  EXPECT_THAT(Doubles(response_.statistics().minimum_maximum().minimum()), ElementsAre(1));
  EXPECT_THAT(Doubles(response_.statistics().minimum_maximum().maximum()), ElementsAre(3));
  EXPECT_THAT(Doubles(response_.statistics().count()), ElementsAre(2));
  EXPECT_EQ(response_.statistics_version(), 0);
  EXPECT_EQ(response_.statistics().version(), 0);
  *request.mutable_statistics() = response_.statistics();
  request.mutable_input()->set_data(Bytes({5, 2}));
  EXPECT_THAT(Values(request), ElementsAre(1, 0.25F));
  EXPECT_THAT(Doubles(response_.statistics().minimum_maximum().maximum()), ElementsAre(5));
  EXPECT_THAT(Doubles(response_.statistics().count()), ElementsAre(4));
  v1::ListSessionsResponse sessions;
  grpc::ClientContext context;
  const auto stub = v1::SessionService::NewStub(channel_);
  ASSERT_TRUE(stub->ListSessions(&context, {}, &sessions).ok());
  EXPECT_EQ(sessions.sessions_size(), 0);
}

TEST_F(NormalizeTest, UpdatesASession) {
  grpc::ClientContext context;
  v1::CreateSessionResponse created;
  ASSERT_TRUE(v1::SessionService::NewStub(channel_)
                  ->CreateSession(&context, testing::PooledSession("s", 1), &created)
                  .ok());
  v1::NormalizeRequest request = Batch({3, 1}, {1, 2, 3});
  request.set_session("sessions/s");
  request.set_mode(v1::BATCH_NORM_MODE_TRAINING);
  request.set_return_statistics(true);
  EXPECT_EQ(Values(request).size(), 3);
  EXPECT_EQ(response_.statistics_version(), 1);
  EXPECT_THAT(Doubles(response_.statistics().mean_variance().mean()), ElementsAre(2));
  SetDoubles({1}, request.mutable_statistics()->mutable_count());
  EXPECT_EQ(FieldOf(request), "statistics");
  request.clear_statistics();
  request.set_session("sessions/unknown");
  EXPECT_EQ(Normalize(request).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(NormalizeTest, GivesTheTypeThatIsAskedFor) {
  v1::NormalizeRequest request = Batch({1, 2}, {1, 3});
  request.mutable_spec()->mutable_row_min_max()->set_high(3);
  request.set_output_element_type(v1::ELEMENT_TYPE_BFLOAT16);
  ASSERT_TRUE(Normalize(request).ok());
  EXPECT_EQ(response_.output().element_type(), v1::ELEMENT_TYPE_BFLOAT16);
  EXPECT_EQ(response_.output().data(), std::string("\x00\x00\x40\x40", 4));  // 0 and 3
  request.set_output_element_type(v1::ELEMENT_TYPE_FLOAT64);
  ASSERT_TRUE(Normalize(request).ok());
  EXPECT_THAT(Doubles(response_.output()), ElementsAre(0, 3));
}

TEST_F(NormalizeTest, TakesPaddingOutAndGivesZerosForIt) {
  const float nan = std::nanf("");
  v1::NormalizeRequest request =
      Batch({3, 2, 1}, {1, 3, nan, nan, 5, nan});  // rows of 2 steps of 1 channel
  request.mutable_spec()->mutable_batch_norm()->set_channel_axis(-1);
  request.mutable_spec()->mutable_batch_norm()->mutable_epsilon()->set_value(0);
  for (int64_t length : {2, 1, 1}) request.add_lengths(length);
  request.set_row_mask("\x05");
  const float unit = std::sqrt(8.0F / 3);  // of 1, 3, 5
  EXPECT_THAT(Values(request), Pointwise(IsNear(), {-2 / unit, 0.0F, 0.0F, 0.0F, 2 / unit, 0.0F}));
}

TEST_F(NormalizeTest, NamesTheFieldThatIsWrong) {
  const v1::NormalizeRequest good = [] {
    v1::NormalizeRequest request = Batch({2, 2}, {1, 2, 3, 4});
    request.mutable_spec()->mutable_batch_norm();
    return request;
  }();
  v1::NormalizeRequest request = good;
  request.clear_target();
  EXPECT_EQ(FieldOf(request), "target");
  request = good;
  request.mutable_input()->mutable_shape()->RemoveLast();
  EXPECT_EQ(FieldOf(request), "input.shape");
  request = good;
  request.mutable_input()->set_shape(0, 3);
  EXPECT_EQ(FieldOf(request), "input.data");
  request = good;
  request.mutable_input()->set_shape(1, 0);
  EXPECT_EQ(FieldOf(request), "input.shape");
  request = good;
  request.mutable_input()->set_element_type(static_cast<v1::ElementType>(77));
  EXPECT_EQ(FieldOf(request), "input.element_type");
  request = good;
  request.mutable_input()->set_shape(0, 0);
  request.mutable_input()->clear_data();
  EXPECT_EQ(FieldOf(request), "input.shape");
  request = good;
  request.mutable_spec()->mutable_layer_norm();
  request.mutable_statistics();
  EXPECT_EQ(FieldOf(request), "statistics");
  request.clear_statistics();
  request.set_mode(static_cast<v1::BatchNormMode>(99));
  EXPECT_EQ(FieldOf(request), "mode");
  request = good;
  request.set_mode(v1::BATCH_NORM_MODE_INFERENCE);
  EXPECT_EQ(FieldOf(request), "mode");
  request = good;
  request.set_direction(v1::DIRECTION_INVERSE);
  EXPECT_EQ(FieldOf(request), "direction");
  request = good;
  request.set_row_mask("ab");
  EXPECT_EQ(FieldOf(request), "row_mask");
  request = good;
  request.add_lengths(1);  // rows of one dimension have no steps
  EXPECT_EQ(FieldOf(request), "lengths");
  request = good;
  request.mutable_spec()->set_clip(-1);
  EXPECT_EQ(FieldOf(request), "spec.clip");
  request = good;
  SetDoubles({1, 2}, request.mutable_statistics()->mutable_mean_variance()->mutable_mean());
  SetDoubles({1, -2}, request.mutable_statistics()->mutable_mean_variance()->mutable_variance());
  EXPECT_EQ(FieldOf(request), "statistics.mean_variance.variance");
  request = good;
  request.mutable_spec()->mutable_min_max()->set_low(2);
  EXPECT_EQ(FieldOf(request), "spec.min_max.high");
}

TEST_F(NormalizeTest, RefusesOneRowInTraining) {
  v1::NormalizeRequest request = Batch({1, 2}, {1, 2});
  request.mutable_spec()->mutable_batch_norm();
  const grpc::Status status = Normalize(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ErrorInfoOf(status).reason(), "NEEDS_MORE_ROWS");
}

}  // namespace
}  // namespace normd
