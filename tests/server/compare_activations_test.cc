// Real activations, over the wire.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "client/cli/tensor_file.h"
#include "client/cpp/tensor.h"
#include "tests/server/compare_call.h"
#include "tests/testing/local_server.h"

namespace normd {
namespace {

using testing::CompareStream;
using testing::RowsOf;

std::vector<double> Doubles(const v1::Tensor& tensor) {
  std::vector<double> values(tensor.data().size() / sizeof(double));
  std::memcpy(values.data(), tensor.data().data(), tensor.data().size());
  return values;
}

// The elements of a .npy file.
std::vector<float> Read(const char* path) {
  const auto tensor = cli::ReadTensor(path, {});
  EXPECT_TRUE(tensor.ok()) << tensor.status();
  if (!tensor.ok()) return {};
  return client::ToFloat32(tensor->element_type(), tensor->data());
}

class CompareActivationsTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(server_, nullptr); }

  std::unique_ptr<server::Server> server_ = testing::StartServer();
  std::shared_ptr<grpc::Channel> channel_ = testing::Connect(*server_);
};

// What tests/data/README.md says of these tokens in batches of 128: their means are 0.080
// deviations from those of all, 1.13 times what chance gives. The running statistics that the
// stream measures against are of fewer tokens, so that both figures are larger there.
TEST_F(CompareActivationsTest, RealTokensInBatchesAreNearlyComparable) {
  const std::vector<float> tokens = Read(NORMD_TEST_DATA "/transformer_l1_tokens.npy");
  constexpr size_t kFeatures = 128;
  constexpr size_t kRows = 128;
  CompareStream stream(channel_, RowsOf({kFeatures}));
  ASSERT_TRUE(stream.Receive().has_opened());
  std::vector<std::vector<float>> chunks;
  for (size_t begin = 0; begin < tokens.size(); begin += kRows * kFeatures) {
    const size_t end = std::min(begin + kRows * kFeatures, tokens.size());
    chunks.emplace_back(tokens.data() + begin, tokens.data() + end);
    const v1::CompareResponse answer = stream.Compare(chunks.back());
    ASSERT_TRUE(answer.has_result());
    const v1::Measurements& layer_norm = answer.result().methods(1).measurements();
    EXPECT_EQ(layer_norm.values(), chunks.back().size() / kFeatures);
    EXPECT_TRUE(layer_norm.has_output_gap());
    EXPECT_EQ(layer_norm.output_gap(), 0);
    EXPECT_EQ(layer_norm.largest_gap(), 0);
  }
  const v1::CompareSummary summary = stream.Summary();
  const v1::Measurements& batch_norm = summary.methods(0).measurements();
  EXPECT_EQ(batch_norm.values(), 4079);
  EXPECT_NEAR(batch_norm.mean_discrepancy(), 0.086, 0.001);
  EXPECT_NEAR(batch_norm.mean_discrepancy() / batch_norm.mean_noise_floor(), 1.15, 0.01);
  EXPECT_NEAR(batch_norm.deviation_discrepancy() / batch_norm.deviation_noise_floor(), 1.01, 0.01);
  EXPECT_NEAR(batch_norm.output_gap(), 0.11, 0.01);

  // Against the statistics of the whole stream, the README's figures.
  const auto mean = Doubles(summary.methods(0).statistics().mean_variance().mean());
  const auto variance = Doubles(summary.methods(0).statistics().mean_variance().variance());
  double discrepancy = 0;
  double floor = 0;
  for (const std::vector<float>& chunk : chunks) {
    const size_t rows = chunk.size() / kFeatures;
    floor += std::sqrt(2 / (M_PI * static_cast<double>(rows))) / static_cast<double>(chunks.size());
    for (size_t c = 0; c < kFeatures; ++c) {
      long double sum = 0;
      for (size_t row = 0; row < rows; ++row) sum += chunk[row * kFeatures + c];
      discrepancy += std::fabs(static_cast<double>(sum) / static_cast<double>(rows) - mean[c]) /
                     std::sqrt(variance[c]) / static_cast<double>(kFeatures * chunks.size());
    }
  }
  EXPECT_NEAR(discrepancy, 0.080, 0.0005);
  EXPECT_NEAR(discrepancy / floor, 1.13, 0.005);

  ASSERT_GT(summary.methods(0).cold_start_size(), 4);
  EXPECT_EQ(summary.methods(0).cold_start(0).values(), 128);
  EXPECT_LT(summary.methods(0).cold_start(4).mean_discrepancy(),
            summary.methods(0).cold_start(0).mean_discrepancy());
}

// Neighboring pixels differ more than strangers would, so single images are nearer to all others
// than chance gives: 0.053 deviations, about half the floor.
TEST_F(CompareActivationsTest, RealImagesSuitBatchNorm) {
  const std::vector<float> images = Read(NORMD_TEST_DATA "/cnn_conv1_nchw.npy");
  v1::CompareOpen open = RowsOf({32, 8, 8});
  open.add_specs()->mutable_batch_norm()->mutable_estimator()->mutable_cumulative();
  open.add_specs()->mutable_group_norm()->set_group_count(8);
  CompareStream stream(channel_, open);
  ASSERT_TRUE(stream.Receive().has_opened());
  constexpr size_t kSize = 32 * 8 * 8;
  for (size_t begin = 0; begin < images.size(); begin += kSize) {
    const std::vector<float> image(&images[begin], &images[begin] + kSize);
    ASSERT_TRUE(stream.Compare(image).has_result());
  }
  const v1::CompareSummary summary = stream.Summary();
  const v1::Measurements& batch_norm = summary.methods(0).measurements();
  EXPECT_EQ(batch_norm.values(), 384 * 64);
  EXPECT_NEAR(batch_norm.mean_discrepancy(), 0.0535, 0.0005);
  EXPECT_NEAR(batch_norm.mean_discrepancy() / batch_norm.mean_noise_floor(), 0.53, 0.01);
  EXPECT_EQ(summary.methods(0).chunks_refused_by_training(), 0);
  EXPECT_EQ(summary.methods(1).measurements().values(), 384);
  EXPECT_EQ(summary.methods(1).measurements().output_gap(), 0);
}

}  // namespace
}  // namespace normd
