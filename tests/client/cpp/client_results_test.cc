// What calls of each kind return, by a real server's numbers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "client/cpp/client.h"
#include "client/cpp/tensor.h"
#include "tests/testing/local_server.h"
#include "tests/testing/random_values.h"

namespace normd::client {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

class ClientResultsTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(server_, nullptr); }

  Client Connect() const {
    ClientOptions options;
    options.target = testing::AddressOf(*server_);
    return Client(options);
  }

  static v1::NormalizationSpec LayerNorm() {
    v1::NormalizationSpec spec;
    spec.mutable_layer_norm()->mutable_epsilon()->set_value(0);
    return spec;
  }

  std::unique_ptr<server::Server> server_ = testing::StartServer();
};

TEST_F(ClientResultsTest, StreamsOfEveryType) {
  const std::pair<v1::ElementType, std::string> one_and_three[] = {
      {v1::ELEMENT_TYPE_FLOAT64, ToTensor({2}, std::vector<double>{1, 3}).data()},
      {v1::ELEMENT_TYPE_FLOAT16, std::string("\x00\x3C\x00\x42", 4)},
      {v1::ELEMENT_TYPE_BFLOAT16, std::string("\x80\x3F\x40\x40", 4)}};
  for (const auto& [type, data] : one_and_three) {
    for (const v1::ElementType output : {v1::ELEMENT_TYPE_UNSPECIFIED, v1::ELEMENT_TYPE_FLOAT32}) {
      v1::Open open;
      *open.mutable_spec() = LayerNorm();
      open.add_row_shape(2);
      open.set_element_type(type);
      open.set_output_element_type(output);
      const auto stream = Connect().OpenStream(open);
      ASSERT_TRUE(stream.ok()) << stream.status();
      v1::Chunk chunk;
      chunk.set_data(data);
      ASSERT_TRUE((*stream)->Write(chunk).ok());
      const auto answer = (*stream)->Read();
      ASSERT_TRUE(answer.ok()) << answer.status();
      EXPECT_EQ(answer->element_type, output == v1::ELEMENT_TYPE_UNSPECIFIED ? type : output);
      EXPECT_THAT(answer->Float32(), ElementsAre(-1, 1));
    }
  }
}

TEST_F(ClientResultsTest, LengthsAndMasksGoThrough) {
  v1::Open open;
  *open.mutable_spec() = LayerNorm();
  open.add_row_shape(2);
  open.add_row_shape(2);
  const auto stream = Connect().OpenStream(open);
  ASSERT_TRUE(stream.ok()) << stream.status();
  v1::Chunk chunk;
  chunk.set_data(ToTensor({2, 2, 2}, std::vector<float>{1, 3, NAN, 5, 7, 2, 9, 4}).data());
  chunk.add_lengths(1);
  chunk.add_lengths(2);
  chunk.set_row_mask("\x01");
  ASSERT_TRUE((*stream)->Write(chunk).ok());
  const auto answer = (*stream)->Read();
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_TRUE(answer->status.ok()) << answer->status;
  EXPECT_THAT(answer->Float32(), ElementsAre(-1, 1, 0, 0, 0, 0, 0, 0));
}

TEST_F(ClientResultsTest, OneBatchGoesOnFromItsOwnStatistics) {
  v1::NormalizeRequest request;
  v1::BatchNorm* batch_norm = request.mutable_spec()->mutable_batch_norm();
  batch_norm->mutable_epsilon()->set_value(0);
  batch_norm->mutable_estimator()->mutable_cumulative();
  *request.mutable_input() = ToTensor({2, 1}, std::vector<double>{4, 8});
  v1::RunningStatistics* statistics = request.mutable_statistics();
  *statistics->mutable_count() = ToTensor({1}, std::vector<double>{2});
  *statistics->mutable_mean_variance()->mutable_mean() = ToTensor({1}, std::vector<double>{2});
  *statistics->mutable_mean_variance()->mutable_variance() = ToTensor({1}, std::vector<double>{4});
  request.set_return_statistics(true);

  request.set_mode(v1::BATCH_NORM_MODE_INFERENCE);
  const auto inference = Connect().Normalize(request);
  ASSERT_TRUE(inference.ok()) << inference.status();
  EXPECT_THAT(ToFloat64(v1::ELEMENT_TYPE_FLOAT64, inference->output().data()),
              ElementsAre(DoubleNear(1, 1e-12), DoubleNear(3, 1e-12)));

  v1::NormalizeRequest back = request;
  *back.mutable_input() = inference->output();
  back.set_direction(v1::DIRECTION_INVERSE);
  const auto inverse = Connect().Normalize(back);
  ASSERT_TRUE(inverse.ok()) << inverse.status();
  EXPECT_THAT(ToFloat64(v1::ELEMENT_TYPE_FLOAT64, inverse->output().data()),
              ElementsAre(DoubleNear(4, 1e-12), DoubleNear(8, 1e-12)));

  request.set_mode(v1::BATCH_NORM_MODE_TRAINING);
  const auto training = Connect().Normalize(request);
  ASSERT_TRUE(training.ok()) << training.status();
  EXPECT_THAT(ToFloat64(v1::ELEMENT_TYPE_FLOAT64, training->output().data()),
              ElementsAre(DoubleNear(-1, 1e-12), DoubleNear(1, 1e-12)));
  const v1::MeanVariance& updated = training->statistics().mean_variance();
  EXPECT_THAT(ToFloat64(v1::ELEMENT_TYPE_FLOAT64, updated.mean().data()),
              ElementsAre(DoubleNear(4, 1e-12)));
}

TEST_F(ClientResultsTest, ComparisonSetsBatchNormBesideLayerNorm) {
  v1::CompareOpen open;
  open.add_row_shape(8);
  const auto stream = Connect().OpenCompare(open);
  ASSERT_TRUE(stream.ok()) << stream.status();
  ASSERT_EQ((*stream)->opened().resolved_specs_size(), 2);
  for (int i = 1; i <= 4; ++i) {
    v1::Chunk chunk;
    chunk.set_data(ToTensor({16, 8}, testing::RandomFloats(16 * 8, 0, 1, i)).data());
    ASSERT_TRUE((*stream)->Write(chunk).ok());
    const auto answer = (*stream)->Read();
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->result.methods_size(), 2);
  }
  const auto summary = (*stream)->Finish();
  ASSERT_TRUE(summary.ok()) << summary.status();
  EXPECT_EQ(summary->last_sequence_number(), 4);
  ASSERT_EQ(summary->methods_size(), 2);
  EXPECT_GT(summary->methods(0).measurements().output_gap(), 0);
  EXPECT_EQ(summary->methods(1).measurements().output_gap(), 0);
  EXPECT_EQ(summary->methods(0).measurements().values(), 64);
}

}  // namespace
}  // namespace normd::client
