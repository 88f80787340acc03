// core against PyTorch's outputs. See tests/data/torch/README.md.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/npy.h"
#include "core/method/group_normalizer.h"
#include "core/method/normalizer.h"
#include "core/session/session.h"
#include "tests/testing/error_bound.h"
#include "tests/testing/error_matchers.h"
#include "tests/testing/fake_clock.h"

namespace normd {
namespace {

using cli::Array;
using testing::ExpectWithinErrorBound;
using testing::IsOk;
using testing::Shifts;

Array Read(const std::string& name) {
  auto array = cli::ReadNpy(NORMD_TEST_DATA "/torch/" + name + ".npy");
  EXPECT_TRUE(array.ok()) << array.status();
  return array.ok() ? *std::move(array) : Array();
}

AffineParameter ReadParameter(const std::string& name) {
  const Array array = Read(name);
  return {{array.shape.begin(), array.shape.end()}, {array.values.begin(), array.values.end()}};
}

std::vector<long double> Wide(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

// Vectors of a method within rows: the inputs, gamma and beta of `name`, where it has them, and the
// outputs of `output`.
struct RowVectors {
  std::string output;
  NormalizationSpec spec;
  bool gamma = true;
  bool beta = true;
  std::string name = output;
};

void PrintTo(const RowVectors& vectors, std::ostream* out) { *out << vectors.output; }

class TorchRowVectors : public ::testing::TestWithParam<RowVectors> {};

RowVectors OfLpNorm(const std::string& output, LpOrder order) {
  return {output, {.method = Method::kLpNorm, .order = order}, false, false, "lp_norm"};
}

INSTANTIATE_TEST_SUITE_P(
    , TorchRowVectors,
    ::testing::Values(
        RowVectors{"dynamic_tanh", {.method = Method::kDynamicTanh}},
        RowVectors{"group_norm_1d", {.method = Method::kGroupNorm, .group_count = 4}},
        RowVectors{"group_norm_2d", {.method = Method::kGroupNorm, .group_count = 3}},
        RowVectors{"group_norm_whole", {.method = Method::kGroupNorm, .group_count = 1}},
        RowVectors{"instance_norm_2d", {.method = Method::kInstanceNorm}},
        RowVectors{"layer_norm_affine", {.method = Method::kLayerNorm}},
        RowVectors{"layer_norm_rank2", {.method = Method::kLayerNorm, .normalized_rank = 2}},
        RowVectors{"layer_norm_offset", {.method = Method::kLayerNorm}, false, false},
        OfLpNorm("lp_norm_1", LpOrder::kOne), OfLpNorm("lp_norm_2", LpOrder::kTwo),
        OfLpNorm("lp_norm_infinity", LpOrder::kInfinity),
        RowVectors{"rms_norm", {.method = Method::kRmsNorm}, true, false}),
    [](const auto& info) { return info.param.output; });

template <class Normalizer>
std::vector<float> Normalize(const NormalizationSpec& spec, const Array& x) {
  const auto normalizer =
      Normalizer::Create(Resolve(spec).value(), absl::MakeConstSpan(x.shape).subspan(1));
  EXPECT_THAT(normalizer, IsOk());
  std::vector<float> y(x.values.size());
  EXPECT_THAT(normalizer->Normalize(x.values.data(), x.shape[0], y.data()), IsOk());
  return y;
}

TEST_P(TorchRowVectors, Match) {
  const auto& [output, unaffine, gamma, beta, name] = GetParam();
  NormalizationSpec spec = unaffine;
  if (gamma) spec.gamma = ReadParameter(name + "_gamma");
  if (beta) spec.beta = ReadParameter(name + "_beta");
  const Array x = Read(name + "_x");
  ASSERT_GE(x.shape.size(), 2);
  Shifts shifts;
  if (beta) shifts.beta = spec.beta->values;
  const bool groups = TraitsOf(spec.method).shared_over == SharedOver::kChannelGroup;
  if (groups) {  // of channels on axis 1
    for (size_t axis = 2; axis < x.shape.size(); ++axis) shifts.inner *= x.shape[axis];
  }
  ExpectWithinErrorBound(
      groups ? Normalize<GroupNormalizer>(spec, x) : Normalize<RowNormalizer>(spec, x),
      Wide(Read(output + "_y").values), shifts);
}

struct BatchVectors {
  std::string name;
  Estimator estimator;
};

void PrintTo(const BatchVectors& vectors, std::ostream* out) { *out << vectors.name; }

// Batches [B, N, C, ...]: TRAINING one after the other, then INFERENCE on other rows.
class TorchBatchVectors : public ::testing::TestWithParam<BatchVectors> {
 protected:
  void SetUp() override {
    x_ = Read(name_ + "_x");
    ASSERT_GE(x_.shape.size(), 3);
    spec_ = {.method = Method::kBatchNorm,
             .gamma = ReadParameter(name_ + "_gamma"),
             .beta = ReadParameter(name_ + "_beta"),
             .estimator = GetParam().estimator};
    const Shape row_shape(x_.shape.begin() + 2, x_.shape.end());
    auto session = Session::Create(
        {.name = "sessions/x", .uid = "0123456789abcdef", .spec = spec_, .channels = row_shape[0]},
        clock_);
    ASSERT_THAT(session, IsOk());
    session_ = *std::move(session);
    auto normalizer = ChannelNormalizer::Create(session_->spec(), row_shape);
    ASSERT_THAT(normalizer, IsOk());
    normalizer_ = *std::move(normalizer);
    shifts_ = {spec_.beta->values, normalizer_->Layout(1).inner};
  }

  std::vector<float> Apply(BatchNormMode mode, const float* x) {
    const int64_t rows = x_.shape[1];
    std::vector<float> y(static_cast<size_t>(rows * normalizer_->row_size()));
    EXPECT_THAT(session_->Apply(*normalizer_, {.mode = mode}, x, rows, y.data()), IsOk());
    return y;
  }

  std::vector<float> Train() {
    std::vector<float> y;
    const int64_t batch_size = x_.shape[1] * normalizer_->row_size();
    for (int64_t batch = 0; batch < x_.shape[0]; ++batch) {
      const auto of_batch = Apply(BatchNormMode::kTraining, x_.values.data() + batch * batch_size);
      y.insert(y.end(), of_batch.begin(), of_batch.end());
    }
    return y;
  }

  const std::string name_ = GetParam().name;
  testing::FakeClock clock_;
  Array x_;
  NormalizationSpec spec_;
  std::shared_ptr<Session> session_;
  std::optional<ChannelNormalizer> normalizer_;
  Shifts shifts_;
};

INSTANTIATE_TEST_SUITE_P(, TorchBatchVectors,
                         ::testing::Values(BatchVectors{"batch_norm_1d", BatchEma{}},
                                           BatchVectors{"batch_norm_1d_average", CumulativeBatch{}},
                                           BatchVectors{"batch_norm_1d_length", BatchEma{}},
                                           BatchVectors{"batch_norm_2d", BatchEma{}}),
                         [](const auto& info) { return info.param.name; });

TEST_P(TorchBatchVectors, MatchInTraining) {
  ExpectWithinErrorBound(Train(), Wide(Read(name_ + "_train_y").values), shifts_);
}

TEST_P(TorchBatchVectors, MatchInRunningStatistics) {
  Train();
  const StatisticsSnapshot statistics = session_->Snapshot().statistics;
  EXPECT_EQ(statistics.batches, static_cast<uint64_t>(x_.shape[0]));
  for (const auto& [actual, file] : {std::pair(&statistics.mean, "_running_mean"),
                                     std::pair(&statistics.variance, "_running_var")}) {
    const std::vector<float> expected = Read(name_ + file).values;
    ASSERT_EQ(actual->size(), expected.size());
    for (size_t c = 0; c < expected.size(); ++c) {
      EXPECT_NEAR((*actual)[c], expected[c], 1e-6 * std::fabs(expected[c])) << file << " " << c;
    }
  }
}

TEST_P(TorchBatchVectors, MatchInInferenceAfterwards) {
  Train();
  const Array x = Read(name_ + "_eval_x");
  ASSERT_EQ(x.shape, std::vector<int64_t>(x_.shape.begin() + 1, x_.shape.end()));
  ExpectWithinErrorBound(Apply(BatchNormMode::kInference, x.values.data()),
                         Wide(Read(name_ + "_eval_y").values), shifts_);
}

}  // namespace
}  // namespace normd
