#include "core/method/group_normalizer.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "core/method/normalizer.h"
#include "tests/testing/error_bound.h"
#include "tests/testing/error_matchers.h"
#include "tests/testing/random_values.h"
#include "tests/testing/row_reference.h"
#include "tests/testing/same_bits.h"

namespace normd {
namespace {

using testing::ExpectWithinErrorBound;
using testing::IsInvalidField;
using testing::IsOk;
using testing::RandomDoubles;
using testing::RandomFloats;
using testing::SameBits;

absl::StatusOr<GroupNormalizer> Make(const NormalizationSpec& spec, const Shape& row_shape) {
  return GroupNormalizer::Create(Resolve(spec).value(), row_shape);
}

std::vector<float> Normalize(const NormalizationSpec& spec, const Shape& row_shape,
                             const std::vector<float>& x) {
  const auto normalizer = Make(spec, row_shape);
  EXPECT_THAT(normalizer, IsOk());
  std::vector<float> y(x.size());
  EXPECT_THAT(normalizer->Normalize(
                  x.data(), static_cast<int64_t>(x.size()) / normalizer->row_size(), y.data()),
              IsOk());
  return y;
}

// Gathers each group of each row, normalizes it by the textbook, and puts it back.
std::vector<long double> Reference(const NormalizationSpec& spec, const ChannelLayout& row,
                                   int64_t groups, const std::vector<float>& x) {
  std::vector<long double> y(x.size());
  const int64_t row_count = static_cast<int64_t>(x.size()) / row.size();
  for (int64_t r = 0; r < row_count; ++r) {
    for (int64_t group = 0; group < groups; ++group) {
      std::vector<size_t> places;
      for (int64_t i = 0; i < row.size(); ++i) {
        const int64_t channel = i / row.inner % row.channels;
        if (channel / (row.channels / groups) == group) places.push_back(r * row.size() + i);
      }
      std::vector<float> values;
      for (const size_t place : places) values.push_back(x[place]);
      const auto xhat = testing::ReferenceRow(Resolve(spec).value(), values);
      for (size_t i = 0; i < places.size(); ++i) {
        const auto channel =
            static_cast<size_t>(static_cast<int64_t>(places[i]) / row.inner % row.channels);
        y[places[i]] = xhat[i] * (spec.gamma ? spec.gamma->values[channel] : 1) +
                       (spec.beta ? spec.beta->values[channel] : 0);
      }
    }
  }
  return y;
}

struct Layout {
  Shape row_shape;
  int axis;
  ChannelLayout row;
};

const Layout kLayouts[] = {{{12}, 1, {1, 12, 1}},
                           {{12, 7}, 1, {1, 12, 7}},
                           {{12, 3, 5}, 1, {1, 12, 15}},
                           {{3, 5, 12}, -1, {15, 12, 1}},
                           {{4, 12, 3}, 2, {4, 12, 3}}};

void ExpectAccurate(NormalizationSpec spec, const Layout& layout, int64_t groups,
                    const std::vector<float>& x) {
  spec.channel_axis = layout.axis;
  for (int affine = 0; affine < 4; ++affine) {
    spec.gamma.reset();
    spec.beta.reset();
    if (affine & 1) spec.gamma = AffineParameter{{12}, RandomDoubles(12, -3, 3, 1)};
    if (affine & 2) spec.beta = AffineParameter{{12}, RandomDoubles(12, -3, 3, 2)};
    ExpectWithinErrorBound(
        Normalize(spec, layout.row_shape, x), Reference(spec, layout.row, groups, x),
        {spec.beta ? spec.beta->values : std::vector<double>(), layout.row.inner});
  }
}

TEST(GroupNorm, MatchesTheReferenceInEveryLayoutAndGrouping) {
  for (const Layout& layout : kLayouts) {
    for (const int64_t groups : {1, 2, 3, 4, 6, 12}) {
      SCOPED_TRACE(::testing::Message() << ToString(layout.row_shape) << ", " << groups);
      ExpectAccurate({.method = Method::kGroupNorm, .group_count = groups}, layout, groups,
                     RandomFloats(3 * layout.row.size()));
    }
  }
}

TEST(InstanceNorm, MatchesTheReferenceInEveryLayout) {
  for (const Layout& layout : kLayouts) {
    SCOPED_TRACE(ToString(layout.row_shape));
    ExpectAccurate({.method = Method::kInstanceNorm}, layout, 12,
                   RandomFloats(3 * layout.row.size()));
  }
}

TEST(GroupNorm, MatchesTheReferenceOnHardRows) {
  std::vector<std::vector<float>> hard = {RandomFloats(84, 1e6, 1), std::vector<float>(84, 0),
                                          std::vector<float>(84, -3e38f)};
  for (const float factor : {1e30f, 1e-30f, 1e-42f}) {
    hard.push_back(RandomFloats(84, 0, 3));
    for (float& value : hard.back()) value *= factor;
  }
  for (const auto& x : hard) {
    for (const double epsilon : {0.0, 1e-5}) {
      SCOPED_TRACE(x[0]);
      ExpectAccurate({.method = Method::kGroupNorm, .epsilon = epsilon, .group_count = 4},
                     kLayouts[1], 4, x);
    }
  }
}

TEST(GroupNorm, OfAsManyGroupsAsChannelsIsInstanceNorm) {
  const auto x = RandomFloats(2 * 84);
  EXPECT_TRUE(SameBits(Normalize({.method = Method::kGroupNorm, .group_count = 12}, {12, 7}, x),
                       Normalize({.method = Method::kInstanceNorm}, {12, 7}, x)));
}

TEST(GroupNorm, OfOneGroupIsLayerNormOfTheRow) {
  const auto x = RandomFloats(2 * 84);
  const auto y = Normalize({.method = Method::kGroupNorm, .group_count = 1}, {12, 7}, x);
  std::vector<float> layer_norm(x.size());
  const auto normalizer = RowNormalizer::Create(
      Resolve({.method = Method::kLayerNorm, .normalized_rank = 2}).value(), {12, 7});
  ASSERT_THAT(normalizer->Normalize(x.data(), 2, layer_norm.data()), IsOk());
  for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], layer_norm[i], 1e-6);
}

TEST(GroupNorm, GivesEachRowWhatItGivesItAloneAndInPlace) {
  const auto normalizer = Make({.method = Method::kGroupNorm, .group_count = 3}, {12, 7});
  auto x = RandomFloats(5 * 84);
  std::vector<float> together(x.size());
  ASSERT_THAT(normalizer->Normalize(x.data(), 5, together.data()), IsOk());
  for (float* row = x.data(); row != x.data() + x.size(); row += 84) {
    ASSERT_THAT(normalizer->Normalize(row, 1, row), IsOk());
  }
  EXPECT_TRUE(SameBits(x, together));
}

TEST(InstanceNorm, OfOnePositionIsBeta) {
  const NormalizationSpec spec{.method = Method::kInstanceNorm,
                               .gamma = AffineParameter{{2}, {3, 4}},
                               .beta = AffineParameter{{2}, {0.5, -1}}};
  EXPECT_EQ(Normalize(spec, {2}, {7, -1e30f, 1e-45f, 0}), (std::vector<float>{0.5, -1, 0.5, -1}));
}

TEST(GroupNorm, RefusesSpecsThatDoNotFitTheRow) {
  const auto of = [](int64_t groups, int axis) {
    return NormalizationSpec{
        .method = Method::kGroupNorm, .channel_axis = axis, .group_count = groups};
  };
  EXPECT_THAT(Make(of(5, 1), {12, 7}), IsInvalidField("group_count"));
  EXPECT_THAT(Make(of(24, 1), {12, 7}), IsInvalidField("group_count"));
  EXPECT_THAT(Make(of(3, 3), {12, 7}), IsInvalidField("channel_axis"));
  EXPECT_THAT(Make(of(3, -3), {12, 7}), IsInvalidField("channel_axis"));
  NormalizationSpec spec = of(3, 1);
  spec.beta = AffineParameter{{7}, std::vector<double>(7)};
  EXPECT_THAT(Make(spec, {12, 7}), IsInvalidField("affine.beta"));
}

TEST(GroupNorm, RefusesOrPropagatesNonFiniteValues) {
  NormalizationSpec spec{.method = Method::kGroupNorm, .group_count = 2};
  auto x = RandomFloats(3 * 8);
  x[9] = -std::numeric_limits<float>::quiet_NaN();  // row 1, group 0
  std::vector<float> y(x.size());
  EXPECT_THAT(Make(spec, {4, 2})->Normalize(x.data(), 3, y.data()), IsInvalidField("data"));
  spec.non_finite = NonFinitePolicy::kPropagate;
  ASSERT_THAT(Make(spec, {4, 2})->Normalize(x.data(), 3, y.data()), IsOk());
  for (size_t i = 0; i < y.size(); ++i) {
    const bool spoiled = i >= 8 && i < 12;
    EXPECT_EQ(std::isnan(y[i]), spoiled) << i;
    if (spoiled) {
      EXPECT_EQ(std::bit_cast<uint32_t>(y[i]), 0x7FC00000u);
    }
  }
}

}  // namespace
}  // namespace normd
