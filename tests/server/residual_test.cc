// A residual comes to what its client would send who added it before, bit for bit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/server/compare_call.h"
#include "tests/server/normalize_stream_fixture.h"
#include "tests/testing/random_values.h"
#include "tests/testing/scrape.h"
#include "tests/testing/typed_values.h"

namespace normd {
namespace {

using testing::Bytes;
using testing::Floats;
using testing::RandomDoubles;
using testing::TestStream;
using testing::TypedValues;

// Of both, and of their sum as the client adds it, in its own element type.
struct Summands {
  Summands(ElementType type, int64_t size) {
    const TypedValues a(type, RandomDoubles(size, -30, 50, 1));
    const TypedValues b(type, RandomDoubles(size, -3, 3, 2));
    std::vector<double> sums = a.values();
    const std::vector<double> added = b.values();
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += added[i];
    chunk.set_data(a.bytes());
    chunk.set_residual(b.bytes());
    sum.set_data(TypedValues(type, sums).bytes());
  }

  v1::Chunk chunk;
  v1::Chunk sum;
};

v1::ElementType OnTheWire(ElementType type) {
  static constexpr v1::ElementType kTypes[] = {v1::ELEMENT_TYPE_FLOAT32, v1::ELEMENT_TYPE_FLOAT64,
                                               v1::ELEMENT_TYPE_FLOAT16, v1::ELEMENT_TYPE_BFLOAT16};
  return kTypes[static_cast<int>(type)];
}

class ResidualTest : public testing::NormalizeStreamTest {
 protected:
  // All that a stream answers to three such chunks and its end.
  std::string AnswersTo(const v1::Open& open, const v1::Chunk& chunk) {
    TestStream stream(channel_);
    stream.Open(open);
    EXPECT_TRUE(stream.Receive().has_opened());
    std::string answers;
    for (uint64_t i = 1; i <= 3; ++i) {
      stream.Send(i, chunk);
      const v1::NormalizeStreamResponse answer = stream.Receive();
      EXPECT_TRUE(answer.has_result()) << answer.DebugString();
      EXPECT_EQ(answer.result().data().empty(), chunk.data().empty());
      answers += answer.SerializeAsString();
    }
    stream.HalfClose();
    answers += stream.Receive().closed().statistics().mean_variance().SerializeAsString();
    EXPECT_TRUE(stream.Finish().ok());
    return answers;
  }

  void ExpectTheSame(const v1::Open& open, const Summands& summands) {
    EXPECT_TRUE(AnswersTo(open, summands.chunk) == AnswersTo(open, summands.sum))
        << open.DebugString();
  }

  // The field of the error that answers the only chunk.
  std::string FieldOf(const v1::Open& open, const v1::Chunk& chunk) {
    TestStream stream(channel_);
    stream.Open(open);
    EXPECT_TRUE(stream.Receive().has_opened());
    stream.Send(1, chunk);
    return FieldOf(stream.Receive().error());
  }

  static std::string FieldOf(const v1::ChunkError& error) {
    EXPECT_EQ(error.status().code(), static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT));
    google::rpc::BadRequest bad_request;
    for (const auto& detail : error.status().details()) detail.UnpackTo(&bad_request);
    return bad_request.field_violations_size() == 1 ? bad_request.field_violations(0).field() : "";
  }
};

// A token, which its loop's thread answers, and rows for the pool, more than are added at once.
TEST_F(ResidualTest, IsAddedBeforeMethodsWithinRows) {
  for (const ElementType type : testing::kElementTypes) {
    for (const int64_t rows : {1, 80}) {
      v1::Open open = testing::LayerNorm(1500);
      open.set_element_type(OnTheWire(type));
      const Summands summands(type, rows * 1500);
      ExpectTheSame(open, summands);
      open.set_output_element_type(type == ElementType::kFloat32 ? v1::ELEMENT_TYPE_BFLOAT16
                                                                 : v1::ELEMENT_TYPE_FLOAT32);
      ExpectTheSame(open, summands);
      open.clear_output_element_type();
      open.mutable_spec()->mutable_rms_norm();
      ExpectTheSame(open, summands);
      open.mutable_spec()->mutable_group_norm()->set_group_count(3);
      ExpectTheSame(open, summands);
    }
  }
}

TEST_F(ResidualTest, EntersASessionsStatistics) {
  for (const ElementType type : {ElementType::kFloat32, ElementType::kBFloat16}) {
    for (const auto mode : {v1::BATCH_NORM_MODE_TRAINING, v1::BATCH_NORM_MODE_STREAMING,
                            v1::BATCH_NORM_MODE_INFERENCE}) {
      const Summands summands(type, 7 * 40);
      const auto answers = [&](const v1::Chunk& chunk) {
        CreateSession("s", 40);
        v1::Open open = OnSession("s", 40, mode);
        open.set_element_type(OnTheWire(type));
        open.set_return_statistics(true);
        std::string result = AnswersTo(open, chunk);
        EXPECT_TRUE(DeleteSession("s").ok());
        return result;
      };
      EXPECT_TRUE(answers(summands.chunk) == answers(summands.sum)) << mode;
    }
  }
}

TEST_F(ResidualTest, IsPaddedAsTheDataIs) {
  v1::Open open = testing::LayerNorm(4);
  open.add_row_shape(6);
  Summands summands(ElementType::kFloat32, 3 * 4 * 6);
  for (v1::Chunk* chunk : {&summands.chunk, &summands.sum}) {
    for (const int64_t length : {2, 4, 1}) chunk->add_lengths(length);
    chunk->set_row_mask("\x05");
  }
  std::vector<float> residual = Floats(summands.chunk.residual());
  residual[4 * 6] = residual.back() = std::numeric_limits<float>::quiet_NaN();  // both masked
  summands.chunk.set_residual(Bytes(residual));
  open.mutable_spec()->mutable_layer_norm()->set_normalized_rank(2);  // rows that vary
  ExpectTheSame(open, summands);
  open.mutable_spec()->mutable_layer_norm()->set_normalized_rank(1);
  ExpectTheSame(open, summands);
}

TEST_F(ResidualTest, NoneIsNeeded) {
  v1::Chunk nothing;
  AnswersTo(testing::LayerNorm(4), nothing);
  const Summands summands(ElementType::kFloat32, 4);
  v1::Chunk zero = summands.sum;
  zero.set_residual(Bytes({0, 0, 0, 0}));
  EXPECT_EQ(AnswersTo(testing::LayerNorm(4), zero), AnswersTo(testing::LayerNorm(4), summands.sum));
}

TEST_F(ResidualTest, OfAnotherSizeIsRefused) {
  v1::Chunk chunk;
  for (const char* data : {"", "12345678"}) {
    chunk.set_data(data);
    for (const char* residual : {"1", "1234567", "123456789012", "1234567890123456"}) {
      chunk.set_residual(residual);
      EXPECT_EQ(FieldOf(testing::LayerNorm(2), chunk), "chunk.residual");
    }
  }
}

TEST_F(ResidualTest, ASumThatIsNotFiniteIsRefusedOrPropagated) {
  server::ServerOptions options;
  options.admin_listen = "127.0.0.1:0";
  Restart(options);
  const float most = std::numeric_limits<float>::max();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  v1::Chunk overflow;
  overflow.set_data(Bytes({1, 2, most, most}));
  overflow.set_residual(Bytes({3, 3, most, -1}));
  v1::Chunk not_a_number = overflow;
  not_a_number.set_residual(Bytes({1, 2, nan, 4}));
  CreateSession("s", 2);
  for (v1::Open open : {testing::LayerNorm(2), OnSession("s", 2, v1::BATCH_NORM_MODE_TRAINING)}) {
    EXPECT_EQ(FieldOf(open, overflow), "chunk.data");
    EXPECT_EQ(FieldOf(open, not_a_number), "chunk.data");
  }
  testing::Samples samples = testing::Scrape(server_->admin_port());
  EXPECT_EQ(samples["normd_rejected_values_total{method=\"layer_norm\"}"], 2);
  EXPECT_EQ(samples["normd_rejected_values_total{method=\"batch_norm\"}"], 2);

  v1::Open open = testing::LayerNorm(2);
  open.mutable_spec()->set_non_finite(v1::NON_FINITE_POLICY_PROPAGATE);
  TestStream stream(channel_);
  stream.Open(open);
  ASSERT_TRUE(stream.Receive().has_opened());
  stream.Send(1, not_a_number);
  const std::string output = stream.Receive().result().data();
  stream.Send(2, Bytes({2, 4}));
  EXPECT_EQ(output, stream.Receive().result().data() + Bytes({nan, nan}));
}

TEST_F(ResidualTest, GoesWithOneBatchToo) {
  const auto stub = v1::NormalizationService::NewStub(channel_);
  const auto normalize = [&](const v1::NormalizeRequest& request, v1::NormalizeResponse* response) {
    grpc::ClientContext context;
    return stub->Normalize(&context, request, response);
  };
  const Summands summands(ElementType::kBFloat16, 3 * 50);
  v1::NormalizeRequest sum;
  sum.mutable_spec()->mutable_layer_norm();
  sum.mutable_input()->set_element_type(v1::ELEMENT_TYPE_BFLOAT16);
  sum.mutable_input()->add_shape(3);
  sum.mutable_input()->add_shape(50);
  v1::NormalizeRequest request = sum;
  sum.mutable_input()->set_data(summands.sum.data());
  *request.mutable_residual() = request.input();
  request.mutable_input()->set_data(summands.chunk.data());
  request.mutable_residual()->set_data(summands.chunk.residual());
  v1::NormalizeResponse expected;
  v1::NormalizeResponse response;
  ASSERT_TRUE(normalize(sum, &expected).ok());
  ASSERT_TRUE(normalize(request, &response).ok());
  EXPECT_EQ(response.SerializeAsString(), expected.SerializeAsString());

  const auto expect_refused = [&](const v1::NormalizeRequest& bad) {
    google::rpc::Status status;
    status.ParseFromString(normalize(bad, &response).error_details());
    v1::ChunkError error;
    *error.mutable_status() = status;
    EXPECT_EQ(FieldOf(error), "residual");
  };
  v1::NormalizeRequest bad = request;
  bad.mutable_residual()->mutable_data()->pop_back();
  expect_refused(bad);
  bad.mutable_residual()->clear_data();
  expect_refused(bad);
  bad = request;
  bad.mutable_residual()->set_element_type(v1::ELEMENT_TYPE_FLOAT16);
  expect_refused(bad);
  bad = request;
  bad.mutable_residual()->set_shape(0, 50);
  bad.mutable_residual()->set_shape(1, 3);
  expect_refused(bad);
}

TEST_F(ResidualTest, IsNothingForCompare) {
  v1::CompareOpen open;
  open.add_row_shape(2);
  testing::CompareStream stream(channel_, open);
  ASSERT_TRUE(stream.Receive().has_opened());
  v1::Chunk chunk;
  chunk.set_data(Bytes({1, 2}));
  chunk.set_residual(chunk.data());
  EXPECT_EQ(FieldOf(stream.Compare(chunk).error()), "chunk.residual");
}

}  // namespace
}  // namespace normd
