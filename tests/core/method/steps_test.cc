// Rows that vary in length: each comes out as it would by itself, or cut to its length, bit for
// bit.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/method/normalizer.h"
#include "core/session/session.h"
#include "tests/core/method/row_method_specs.h"
#include "tests/testing/error_matchers.h"
#include "tests/testing/random_values.h"
#include "tests/testing/same_bits.h"

namespace normd {
namespace {

using testing::IsInvalidField;
using testing::IsOk;
using testing::NamedSpec;
using testing::RandomDoubles;
using testing::RandomFloats;
using testing::SameBits;

constexpr int64_t kChannels = 12;
const std::vector<int64_t> kLengths = {5, 1, 3, 7};  // 16 steps

std::vector<NamedSpec> Specs() {
  std::vector<NamedSpec> specs = testing::RowMethodSpecs();
  for (NamedSpec named : testing::RowMethodSpecs()) {
    named.name += "OverWholeRows";
    named.spec.normalized_rank = 2;
    specs.push_back(named);
  }
  specs.push_back(
      {"GroupNorm", {.method = Method::kGroupNorm, .channel_axis = -1, .group_count = 3}});
  specs.push_back({"InstanceNorm", {.method = Method::kInstanceNorm, .channel_axis = -1}});
  return specs;
}

Normalizer Make(const NormalizationSpec& spec, const Shape& row_shape) {
  return CreateNormalizer(Resolve(spec).value(), row_shape).value();
}

class VaryingRows : public ::testing::TestWithParam<NamedSpec> {};

INSTANTIATE_TEST_SUITE_P(, VaryingRows, ::testing::ValuesIn(Specs()),
                         [](const auto& info) { return info.param.name; });

TEST_P(VaryingRows, ComeOutAsEachWouldByItself) {
  const auto x = RandomFloats(16 * kChannels);
  std::vector<float> alone(x.size());
  int64_t begin = 0;
  for (const int64_t steps : kLengths) {
    const Normalizer of_length = Make(GetParam().spec, {steps, kChannels});
    ASSERT_THAT(Normalize(of_length, &x[begin], 1, &alone[begin]), IsOk());
    begin += steps * kChannels;
  }
  for (const int64_t first : {int64_t{-1}, int64_t{7}}) {  // told by each batch, or the most
    std::vector<float> together(x.size());
    const Normalizer varying = Make(GetParam().spec, {first, kChannels});
    EXPECT_TRUE(StepsOf(varying).may_vary);
    ASSERT_THAT(Normalize(varying, x.data(), {4, kLengths}, together.data()), IsOk());
    EXPECT_TRUE(SameBits(together, alone)) << first;
  }
}

const NormalizationSpec kBatchNorm{
    .method = Method::kBatchNorm, .channel_axis = -1, .estimator = Cumulative{}};

// For statistics across rows, steps are steps, whichever row they are of.
TEST(VaryingRowsOfChannels, AreOneBatchOfTheirSteps) {
  const auto x = RandomFloats(16 * kChannels);
  std::vector<float> as_rows(x.size());
  std::vector<float> as_tokens(x.size());
  ASSERT_THAT(Normalize(Make(kBatchNorm, {-1, kChannels}), x.data(), {4, kLengths}, as_rows.data()),
              IsOk());
  ASSERT_THAT(Normalize(Make(kBatchNorm, {kChannels}), x.data(), 16, as_tokens.data()), IsOk());
  EXPECT_TRUE(SameBits(as_rows, as_tokens));
}

TEST(VaryingRowsOfChannels, EnterRowByRow) {
  const auto x = RandomFloats(16 * kChannels);
  const auto run = [&](bool at_once) {
    const auto session =
        Session::Create({.name = "", .uid = "", .spec = kBatchNorm, .channels = kChannels}, [] {
          return absl::UnixEpoch();
        }).value();
    const auto normalizer = ChannelNormalizer::Create(session->spec(), {-1, kChannels}).value();
    const StreamingPolicy policy{.mode = BatchNormMode::kStreaming};
    std::vector<float> y(x.size());
    if (at_once) {
      EXPECT_THAT(session->Apply(normalizer, policy, x.data(), {4, kLengths}, y.data()), IsOk());
    } else {
      int64_t begin = 0;
      for (const int64_t& steps : kLengths) {
        EXPECT_THAT(session->Apply(normalizer, policy, &x[begin], {1, {&steps, 1}}, &y[begin]),
                    IsOk());
        begin += steps * kChannels;
      }
    }
    EXPECT_EQ(session->Snapshot().statistics.batches, 4);
    EXPECT_EQ(session->Snapshot().statistics.count, 16);
    return y;
  };
  EXPECT_TRUE(SameBits(run(true), run(false)));
}

TEST(VaryingRowsOfChannels, WithNanAreLeftOutOfStatistics) {
  NormalizationSpec spec = kBatchNorm;
  spec.non_finite = NonFinitePolicy::kPropagate;
  auto x = RandomFloats(16 * kChannels);
  x[7 * kChannels] = std::numeric_limits<float>::infinity();  // in the third row
  const auto normalizer = ChannelNormalizer::Create(Resolve(spec).value(), {-1, kChannels}).value();
  const auto finite = normalizer.SelectFiniteRows(x.data(), {4, kLengths});
  EXPECT_EQ(finite.rows.count, 3);
  EXPECT_EQ(finite.rows.steps, (std::vector<int64_t>{5, 1, 7}));
  auto expected = x;
  expected.erase(expected.begin() + 6 * kChannels, expected.begin() + 9 * kChannels);
  const auto* data = finite.data.As<float>();
  EXPECT_TRUE(SameBits(std::vector(data, data + 13 * kChannels), expected));
}

TEST(Steps, MustNotBeTheChannels) {
  NormalizationSpec spec = kBatchNorm;
  spec.channel_axis = 1;
  EXPECT_THAT(CreateNormalizer(Resolve(spec).value(), {-1, 4}), IsInvalidField("channel_axis"));
  EXPECT_FALSE(StepsOf(Make(spec, {5, 4})).may_vary);
  EXPECT_FALSE(StepsOf(Make({.method = Method::kLayerNorm}, {5})).may_vary);
}

TEST(Steps, MayVaryInTheFirstDimensionOnly) {
  for (const Shape& shape : {Shape{-1}, Shape{4, -1}, Shape{-2, 4}, Shape{-1, -1, 4}}) {
    EXPECT_THAT(CreateNormalizer(Resolve({.method = Method::kLayerNorm}).value(), shape),
                IsInvalidField("row_shape"))
        << ToString(shape);
  }
  const NormalizationSpec of_rows{.method = Method::kLayerNorm,
                                  .normalized_rank = 2,
                                  .gamma = AffineParameter{{3, 4}, std::vector<double>(12, 1)}};
  EXPECT_THAT(CreateNormalizer(Resolve(of_rows).value(), {-1, 4}), IsInvalidField("affine.gamma"));
}

}  // namespace
}  // namespace normd
