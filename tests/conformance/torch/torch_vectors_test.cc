// core against PyTorch's outputs. See tests/data/torch/README.md.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/tensor_file.h"
#include "client/cpp/tensor.h"
#include "core/method/normalizer.h"
#include "core/session/session.h"
#include "tests/testing/error_bound.h"
#include "tests/testing/error_matchers.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/typed_values.h"

namespace normd {
namespace {

using testing::IsOk;
using testing::Shifts;
using testing::TypedValues;

struct Array {
  Shape shape;
  std::vector<double> values;
};

Array ReadFile(const std::string& path) {
  const auto tensor = cli::ReadTensor(NORMD_TEST_DATA "/" + path + ".npy", {});
  EXPECT_TRUE(tensor.ok()) << tensor.status();
  if (!tensor.ok()) return {};
  return {{tensor->shape().begin(), tensor->shape().end()},
          client::ToFloat64(tensor->element_type(), tensor->data())};
}

Array Read(const std::string& name) { return ReadFile("torch/" + name); }

AffineParameter ReadParameter(const std::string& name) {
  const Array array = Read(name);
  return {array.shape, array.values};
}

// PyTorch itself rounds in float64.
constexpr double kWideTolerance = 1e-12;

void ExpectMatch(const TypedValues& y, const std::vector<double>& expected, const Shifts& shifts) {
  const std::vector<double> actual = y.values();
  ASSERT_EQ(actual.size(), expected.size());
  const double tolerance = y.type() == ElementType::kFloat64 ? kWideTolerance : 1e-6;
  for (size_t i = 0; i < actual.size(); ++i) {
    const double shift = shifts.At(static_cast<int64_t>(i));
    const double magnitude = std::fabs(expected[i] - shift) + std::fabs(shift);
    ASSERT_NEAR(actual[i], expected[i], tolerance * std::max(1.0, magnitude)) << "element " << i;
  }
}

constexpr ElementType kTypes[] = {ElementType::kFloat32, ElementType::kFloat64};

// Without statistics from elsewhere.
TypedValues NormalizeBatch(const NormalizationSpec& spec, const Array& x, ElementType type) {
  const auto normalizer =
      CreateNormalizer(Resolve(spec).value(), absl::MakeConstSpan(x.shape).subspan(1));
  EXPECT_THAT(normalizer, IsOk());
  const TypedValues input(type, x.values);
  TypedValues y(type, input.size());
  EXPECT_THAT(Normalize(*normalizer, input.data(), x.shape[0], y.data()), IsOk());
  return y;
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

TEST_P(TorchRowVectors, Match) {
  const auto& [output, unaffine, gamma, beta, name] = GetParam();
  NormalizationSpec spec = unaffine;
  if (gamma) spec.gamma = ReadParameter(name + "_gamma");
  if (beta) spec.beta = ReadParameter(name + "_beta");
  const Array x = Read(name + "_x");
  ASSERT_GE(x.shape.size(), 2);
  Shifts shifts;
  if (beta) shifts.beta = spec.beta->values;
  if (TraitsOf(spec.method).shared_over == SharedOver::kChannelGroup) {  // channels on axis 1
    for (size_t axis = 2; axis < x.shape.size(); ++axis) shifts.inner *= x.shape[axis];
  }
  const std::vector<double> expected = Read(output + "_y").values;
  for (const ElementType type : kTypes)
    ExpectMatch(NormalizeBatch(spec, x, type), expected, shifts);
}

// Ours are within half a unit of what is right (tests/conformance/reference). PyTorch 1.13 rounds
// scale and shift to bfloat16 on the way, which costs it up to 0.04 here.
TEST(TorchBFloat16, IsNear) {
  const std::pair<const char*, NormalizationSpec> vectors[] = {
      {"layer_norm", {.method = Method::kLayerNorm}},
      {"group_norm", {.method = Method::kGroupNorm, .group_count = 4}},
      {"batch_norm", {.method = Method::kBatchNorm}}};
  for (const auto& [name, spec] : vectors) {
    const Array x = Read(std::string(name) + "_bfloat16_x");
    const std::vector<double> y = NormalizeBatch(spec, x, ElementType::kBFloat16).values();
    const std::vector<double> expected = Read(std::string(name) + "_bfloat16_y").values;
    ASSERT_EQ(y.size(), expected.size());
    for (size_t i = 0; i < y.size(); ++i) {
      ASSERT_NEAR(y[i], expected[i], 0.05 * std::max(1.0, std::fabs(expected[i]))) << name << i;
    }
  }
}

struct BatchVectors {
  std::string name;
  Estimator estimator;
};

void PrintTo(const BatchVectors& vectors, std::ostream* out) { *out << vectors.name; }

// Batches [B, N, C, ...]: TRAINING one after the other, then INFERENCE on other rows.
class TorchBatchVectors : public ::testing::TestWithParam<std::tuple<BatchVectors, ElementType>> {
 protected:
  void SetUp() override {
    x_ = Read(name_ + "_x");
    ASSERT_GE(x_.shape.size(), 3);
    spec_ = {.method = Method::kBatchNorm,
             .gamma = ReadParameter(name_ + "_gamma"),
             .beta = ReadParameter(name_ + "_beta"),
             .estimator = std::get<0>(GetParam()).estimator};
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

  void Apply(BatchNormMode mode, ConstElements x, Elements y) {
    EXPECT_THAT(session_->Apply(*normalizer_, {.mode = mode}, x, x_.shape[1], y), IsOk());
  }

  TypedValues Train() {
    const TypedValues x(type_, x_.values);
    TypedValues y(type_, x.size());
    const int64_t batch_size = x_.shape[1] * normalizer_->row_size();
    for (int64_t begin = 0; begin < x.size(); begin += batch_size) {
      Apply(BatchNormMode::kTraining, x.data().From(begin), y.data().From(begin));
    }
    return y;
  }

  const std::string name_ = std::get<0>(GetParam()).name;
  const ElementType type_ = std::get<1>(GetParam());
  testing::FakeClock clock_;
  Array x_;
  NormalizationSpec spec_;
  std::shared_ptr<Session> session_;
  std::optional<ChannelNormalizer> normalizer_;
  Shifts shifts_;
};

INSTANTIATE_TEST_SUITE_P(
    , TorchBatchVectors,
    ::testing::Combine(::testing::Values(BatchVectors{"batch_norm_1d", BatchEma{}},
                                         BatchVectors{"batch_norm_1d_average", CumulativeBatch{}},
                                         BatchVectors{"batch_norm_1d_length", BatchEma{}},
                                         BatchVectors{"batch_norm_2d", BatchEma{}}),
                       ::testing::ValuesIn(kTypes)),
    [](const auto& info) {
      return std::get<0>(info.param).name + "_" + testing::NameOf(std::get<1>(info.param));
    });

TEST_P(TorchBatchVectors, MatchInTraining) {
  ExpectMatch(Train(), Read(name_ + "_train_y").values, shifts_);
}

TEST_P(TorchBatchVectors, MatchInRunningStatistics) {
  Train();
  const StatisticsSnapshot statistics = session_->Snapshot().statistics;
  EXPECT_EQ(statistics.batches, static_cast<uint64_t>(x_.shape[0]));
  for (const auto& [actual, file] : {std::pair(&statistics.mean, "_running_mean"),
                                     std::pair(&statistics.variance, "_running_var")}) {
    const std::vector<double> expected = Read(name_ + file).values;
    ASSERT_EQ(actual->size(), expected.size());
    for (size_t c = 0; c < expected.size(); ++c) {
      EXPECT_NEAR((*actual)[c], expected[c], kWideTolerance * std::fabs(expected[c]))
          << file << " " << c;
    }
  }
}

TEST_P(TorchBatchVectors, MatchInInferenceAfterwards) {
  Train();
  const Array x = Read(name_ + "_eval_x");
  ASSERT_EQ(x.shape, Shape(x_.shape.begin() + 1, x_.shape.end()));
  const TypedValues input(type_, x.values);
  TypedValues y(type_, input.size());
  Apply(BatchNormMode::kInference, input.data(), y.data());
  ExpectMatch(y, Read(name_ + "_eval_y").values, shifts_);
}

// A layer that somebody trained, loaded into a session.
TEST(TorchTrainedBatchNorm, ReproducesItsInference) {
  const Array x = ReadFile("cnn_conv1_nchw");
  SessionConfig config;
  config.spec = {.method = Method::kBatchNorm,
                 .gamma = ReadParameter("cnn_bn1_weight"),
                 .beta = ReadParameter("cnn_bn1_bias")};
  config.channels = x.shape[1];
  config.initial_statistics = StatisticsSnapshot{.mean = Read("cnn_bn1_running_mean").values,
                                                 .variance = Read("cnn_bn1_running_var").values};
  const auto session = Session::Create(config, [] { return absl::UnixEpoch(); });
  ASSERT_THAT(session, IsOk());
  const auto normalizer =
      ChannelNormalizer::Create((*session)->spec(), absl::MakeConstSpan(x.shape).subspan(1));
  ASSERT_THAT(normalizer, IsOk());
  const TypedValues input(ElementType::kFloat32, x.values);
  TypedValues y(ElementType::kFloat32, input.size());
  ASSERT_THAT((*session)->Apply(*normalizer, {.mode = BatchNormMode::kInference}, input.data(),
                                x.shape[0], y.data()),
              IsOk());
  ExpectMatch(y, Read("cnn_bn1_y").values, {config.spec.beta->values, x.shape[2] * x.shape[3]});
}

}  // namespace
}  // namespace normd
