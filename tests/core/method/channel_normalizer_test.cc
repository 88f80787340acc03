// BatchNorm against textbook formulas in long double, and at the edges.
#include <gtest/gtest.h>

#include <cmath>

#include "core/method/normalizer.h"
#include "tests/testing/error_bound.h"
#include "tests/testing/error_matchers.h"
#include "tests/testing/random_values.h"
#include "tests/testing/same_bits.h"
#include "tests/testing/same_statistics.h"

namespace normd {
namespace {

using testing::ExpectWithinErrorBound;
using testing::IsError;
using testing::IsInvalidField;
using testing::IsOk;
using testing::RandomDoubles;
using testing::RandomFloats;
using testing::SameBits;

absl::StatusOr<ChannelNormalizer> MakeChannelNormalizer(NormalizationSpec spec,
                                                        const Shape& row_shape) {
  spec.method = Method::kBatchNorm;
  return ChannelNormalizer::Create(Resolve(spec).value(), row_shape);
}

// A row's shape, the axis of its channels within the batch, and the row as [outer, channels,
// inner].
struct Axis {
  Shape row_shape;
  int channel_axis;
  ChannelLayout row;
};

std::vector<Axis> Axes() {
  return {{{1}, 1, {1, 1, 1}},        {{17}, 1, {1, 17, 1}},      {{17}, -1, {1, 17, 1}},
          {{5, 8}, 1, {1, 5, 8}},     {{5, 8}, 2, {5, 8, 1}},     {{5, 8}, -1, {5, 8, 1}},
          {{5, 8}, -2, {1, 5, 8}},    {{3, 4, 6}, 1, {1, 3, 24}}, {{3, 4, 6}, 2, {3, 4, 6}},
          {{3, 4, 6}, 3, {12, 6, 1}}, {{3, 4, 6}, -3, {1, 3, 24}}};
}

void ExpectAccurate(const NormalizationSpec& spec, const Axis& axis, const std::vector<float>& x) {
  const auto normalizer = MakeChannelNormalizer(spec, axis.row_shape);
  ASSERT_THAT(normalizer, IsOk());
  const int64_t rows = static_cast<int64_t>(x.size()) / axis.row.size();
  const ChannelLayout layout{axis.row.outer * rows, axis.row.channels, axis.row.inner};
  std::vector<float> y(x.size());
  ASSERT_THAT(normalizer->NormalizeByBatch(x.data(), rows, y.data()), IsOk());
  const auto statistics = testing::ReferenceChannelStatistics(x.data(), layout);
  const auto expected = testing::ReferenceChannelNormalize(
      x.data(), layout, statistics.mean, statistics.variance, spec.epsilon.value_or(1e-5),
      spec.gamma ? spec.gamma->values.data() : nullptr,
      spec.beta ? spec.beta->values.data() : nullptr);
  ExpectWithinErrorBound(
      y, expected,
      {.beta = spec.beta ? spec.beta->values : std::vector<double>(), .inner = axis.row.inner});

  std::vector<float> in_place = x;
  ASSERT_THAT(normalizer->NormalizeByBatch(in_place.data(), rows, in_place.data()), IsOk());
  EXPECT_TRUE(SameBits(in_place, y));
}

NormalizationSpec WithAffine(NormalizationSpec spec, int64_t channels, bool gamma, bool beta) {
  if (gamma) spec.gamma = AffineParameter{{channels}, RandomDoubles(channels, -3, 3, 1)};
  if (beta) spec.beta = AffineParameter{{channels}, RandomDoubles(channels, -3, 3, 2)};
  return spec;
}

TEST(BatchNorm, FindsItsChannels) {
  for (const Axis& axis : Axes()) {
    const auto normalizer =
        MakeChannelNormalizer({.channel_axis = axis.channel_axis}, axis.row_shape);
    ASSERT_THAT(normalizer, IsOk());
    EXPECT_EQ(normalizer->row_size(), axis.row.size());
    EXPECT_EQ(normalizer->channels(), axis.row.channels);
    EXPECT_EQ(normalizer->Layout(7).outer, 7 * axis.row.outer);
    EXPECT_EQ(normalizer->Layout(7).channels, axis.row.channels);
    EXPECT_EQ(normalizer->Layout(7).inner, axis.row.inner);
  }
}

TEST(BatchNorm, MatchesTheReferenceAcrossShapesAndAxes) {
  for (const Axis& axis : Axes()) {
    for (int affine = 0; affine < 4; ++affine) {
      for (int64_t rows : {2, 3, 33}) {
        SCOPED_TRACE(::testing::Message() << ToString(axis.row_shape) << " axis "
                                          << axis.channel_axis << " affine " << affine);
        ExpectAccurate(WithAffine({.channel_axis = axis.channel_axis}, axis.row.channels,
                                  affine & 1, affine & 2),
                       axis, RandomFloats(rows * axis.row.size()));
      }
    }
  }
}

TEST(BatchNorm, MatchesTheReferenceOnHardValues) {
  for (const Axis& axis : {Axis{{3}, 1, {1, 3, 1}}, Axis{{3, 5}, 1, {1, 3, 5}}}) {
    const int64_t size = 40 * axis.row.size();
    std::vector<std::vector<float>> hard = {RandomFloats(size, 1e6, 1),
                                            std::vector<float>(size, 0.1f),
                                            std::vector<float>(size, -3e38f)};
    for (float factor : {1e30f, 1e-30f, 1e-42f, 1e-45f}) {
      hard.push_back(RandomFloats(size, 0, 3));
      for (float& value : hard.back()) value *= factor;
    }
    for (const std::vector<float>& x : hard) {
      for (double epsilon : {0.0, 1e-5}) {
        SCOPED_TRACE(::testing::Message() << "from " << x[0] << ", epsilon " << epsilon);
        ExpectAccurate({.epsilon = epsilon}, axis, x);
        ExpectAccurate(WithAffine({.epsilon = epsilon}, 3, true, true), axis, x);
      }
    }
  }
}

TEST(BatchNorm, OfTwoRowsTellsOnlyWhichIsLarger) {
  const auto normalizer = MakeChannelNormalizer({}, {3});
  const std::vector<float> x = {1, 5, -1e-3f, 3, -1, -1e-3f};
  std::vector<float> y(6);
  ASSERT_THAT(normalizer->NormalizeByBatch(x.data(), 2, y.data()), IsOk());
  for (int c = 0; c < 3; ++c) {
    const double half = (static_cast<double>(x[c]) - x[c + 3]) / 2;
    const double expected = std::copysign(std::sqrt(half * half / (half * half + 1e-5)), half);
    EXPECT_FLOAT_EQ(y[c], static_cast<float>(half == 0 ? 0 : expected));
    EXPECT_EQ(y[c + 3], -y[c]);
  }
}

TEST(BatchNorm, OfOneRowNeedsMoreThanOneValuePerChannel) {
  const auto tokens = MakeChannelNormalizer({}, {4});
  const std::vector<float> x = RandomFloats(24);
  std::vector<float> y(24);
  for (int64_t rows : {0, 1}) {
    const absl::Status status = tokens->NormalizeByBatch(x.data(), rows, y.data());
    EXPECT_THAT(status, IsInvalidField("data"));
    EXPECT_THAT(status, IsError(absl::StatusCode::kInvalidArgument, "NEEDS_MORE_ROWS"));
    EXPECT_EQ(ChannelNormalizer::CheckEnoughValues(static_cast<double>(rows)), status);
  }
  EXPECT_THAT(tokens->NormalizeByBatch(x.data(), 2, y.data()), IsOk());
  const Axis image{{4, 2, 3}, 1, {1, 4, 6}};
  ExpectAccurate({}, image, x);  // one row of six values per channel
}

TEST(BatchNorm, OfAConstantChannelIsBeta) {
  const auto normalizer = MakeChannelNormalizer({.beta = AffineParameter{{2}, {0.25, -8}}}, {2});
  const std::vector<float> x = {0.1f, 0, 0.1f, 0, 0.1f, 0};
  std::vector<float> y(6);
  ASSERT_THAT(normalizer->NormalizeByBatch(x.data(), 3, y.data()), IsOk());
  EXPECT_EQ(y, (std::vector<float>{0.25f, -8, 0.25f, -8, 0.25f, -8}));
}

TEST(BatchNorm, RefusesSpecsThatDoNotFitTheRow) {
  for (int axis : {3, 4, -3, -4}) {
    EXPECT_THAT(MakeChannelNormalizer({.channel_axis = axis}, {4, 6}),
                IsInvalidField("channel_axis"))
        << axis;
  }
  const AffineParameter of_six{{6}, std::vector<double>(6)};
  const AffineParameter square{{1, 4}, std::vector<double>(4)};
  for (const AffineParameter& bad : {of_six, square}) {
    EXPECT_THAT(MakeChannelNormalizer({.channel_axis = 1, .gamma = bad}, {4, 6}),
                IsInvalidField("affine.gamma"));
    EXPECT_THAT(MakeChannelNormalizer({.channel_axis = 1, .beta = bad}, {4, 6}),
                IsInvalidField("affine.beta"));
  }
  EXPECT_THAT(MakeChannelNormalizer({.channel_axis = 2, .gamma = of_six}, {4, 6}), IsOk());
  for (const Shape& row_shape : {Shape{}, Shape{0}, Shape{3, -1}}) {
    EXPECT_THAT(MakeChannelNormalizer({}, row_shape), IsInvalidField("row_shape"));
  }
}

TEST(BatchNorm, NormalizesByRunningStatistics) {
  const Axis axis{{3, 5}, 1, {1, 3, 5}};
  const NormalizationSpec spec = WithAffine({}, 3, true, true);
  const auto normalizer = MakeChannelNormalizer(spec, axis.row_shape);
  const StatisticsSnapshot snapshot{10, {1, -2, 3}, {4, 0.25, 0}, 2};
  const auto statistics = RunningStatistics::From(Cumulative{}, 3, snapshot);
  ASSERT_THAT(statistics, IsOk());
  const auto x = RandomFloats(7 * 15);
  std::vector<float> y(x.size());
  normalizer->Apply(normalizer->CoefficientsOf(*statistics), Direction::kForward, x.data(), 7,
                    y.data());
  const auto expected =
      testing::ReferenceChannelNormalize(x.data(), {7, 3, 5}, {1, -2, 3}, {4, 0.25, 0}, 1e-5,
                                         spec.gamma->values.data(), spec.beta->values.data());
  ExpectWithinErrorBound(y, expected, {.beta = spec.beta->values, .inner = 5});
}

}  // namespace
}  // namespace normd
