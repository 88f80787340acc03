#include "core/method/group_normalizer.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/method/normalizer.h"
#include "tests/core/method/row_method_specs.h"
#include "tests/testing/error_bound.h"
#include "tests/testing/error_matchers.h"
#include "tests/testing/non_finite.h"
#include "tests/testing/random_values.h"
#include "tests/testing/row_reference.h"
#include "tests/testing/same_bits.h"

namespace normd {
namespace {

using testing::ExpectWithinErrorBound;
using testing::IsInvalidField;
using testing::IsOk;
using testing::kInfinity;
using testing::kNan;
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
  NormalizationSpec unaffine = Resolve(spec).value();
  unaffine.gamma.reset();
  unaffine.beta.reset();
  std::map<std::pair<size_t, int64_t>, std::vector<size_t>> places;  // by row and group
  const auto channel_of = [&](size_t i) {
    return static_cast<int64_t>(i) / row.inner % row.channels;
  };
  for (size_t i = 0; i < x.size(); ++i) {
    places[{i / static_cast<size_t>(row.size()), channel_of(i) / (row.channels / groups)}]
        .push_back(i);
  }
  std::vector<long double> y(x.size());
  for (const auto& [_, of_group] : places) {
    std::vector<float> values;
    for (const size_t i : of_group) values.push_back(x[i]);
    const auto size = static_cast<int64_t>(values.size());
    const auto xhat =
        testing::ReferenceNormalizeRow(testing::ReferenceNorm(unaffine, size), values);
    for (size_t k = 0; k < values.size(); ++k) {
      const auto channel = static_cast<size_t>(channel_of(of_group[k]));
      y[of_group[k]] = xhat[k] * (spec.gamma ? spec.gamma->values[channel] : 1) +
                       (spec.beta ? spec.beta->values[channel] : 0);
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
  for (const Layout& layout : kLayouts) {
    const int64_t size = layout.row.size();
    std::vector<std::vector<float>> hard = {RandomFloats(size, 1e6, 1), RandomFloats(size, -3e7, 8),
                                            std::vector<float>(size, 0),
                                            std::vector<float>(size, -3e38f)};
    for (const float factor : {1e30f, 1e-30f, 1e-42f, 1e-45f}) {
      hard.push_back(RandomFloats(size, 0, 3));
      for (float& value : hard.back()) value *= factor;
    }
    for (const auto& x : hard) {
      for (const double epsilon : {0.0, 1e-5}) {
        SCOPED_TRACE(::testing::Message() << ToString(layout.row_shape) << " from " << x[0]);
        ExpectAccurate({.method = Method::kGroupNorm, .epsilon = epsilon, .group_count = 4}, layout,
                       4, x);
        ExpectAccurate({.method = Method::kInstanceNorm, .epsilon = epsilon}, layout, 12, x);
      }
    }
  }
}

// A group of many channels is merged from as many means.
TEST(GroupNorm, MatchesTheReferenceOverManyChannelsFarFromZero) {
  const NormalizationSpec spec{.method = Method::kGroupNorm, .group_count = 1};
  for (const ChannelLayout& row : {ChannelLayout{1, 8192, 1}, ChannelLayout{1, 4096, 3}}) {
    const auto x = RandomFloats(row.size(), 1e6, 1);
    ExpectWithinErrorBound(Normalize(spec, {row.channels, row.inner}, x),
                           Reference(spec, row, 1, x), {});
  }
}

TEST(GroupNorm, MatchesTheReferenceWithEpsilonAnywhere) {
  for (const EpsilonPlacement placement :
       {EpsilonPlacement::kInsideRoot, EpsilonPlacement::kOutsideRoot,
        EpsilonPlacement::kClampVariance, EpsilonPlacement::kClampDeviation}) {
    for (const double epsilon : {0.0, 3.0, 1e4}) {
      ExpectAccurate({.method = Method::kGroupNorm,
                      .epsilon = epsilon,
                      .epsilon_placement = placement,
                      .group_count = 3},
                     kLayouts[1], 3, RandomFloats(2 * 84));
    }
  }
}

TEST(GroupNorm, OfAsManyGroupsAsChannelsIsInstanceNorm) {
  for (const Layout& layout : kLayouts) {
    const auto x = RandomFloats(2 * layout.row.size());
    NormalizationSpec spec{.method = Method::kInstanceNorm,
                           .channel_axis = layout.axis,
                           .gamma = AffineParameter{{12}, RandomDoubles(12, -3, 3, 1)},
                           .beta = AffineParameter{{12}, RandomDoubles(12, -3, 3, 2)}};
    const auto instance_norm = Normalize(spec, layout.row_shape, x);
    spec.method = Method::kGroupNorm;
    spec.group_count = 12;
    EXPECT_TRUE(SameBits(Normalize(spec, layout.row_shape, x), instance_norm))
        << ToString(layout.row_shape);
  }
}

// Where a group's values lie side by side.
TEST(GroupNorm, IsLayerNormOfEachGroup) {
  for (const Layout& layout : kLayouts) {
    for (const int64_t groups : {1, 2, 3, 4, 6}) {
      if (groups > 1 && layout.row.outer > 1) continue;
      SCOPED_TRACE(::testing::Message() << ToString(layout.row_shape) << ", " << groups);
      for (const float mean : {3.0f, -1e5f}) {
        const auto x = RandomFloats(2 * layout.row.size(), mean);
        const auto y = Normalize(
            {.method = Method::kGroupNorm, .channel_axis = layout.axis, .group_count = groups},
            layout.row_shape, x);
        const auto layer_norm =
            RowNormalizer::Create(Resolve({.method = Method::kLayerNorm, .epsilon = 1e-5}).value(),
                                  Shape{layout.row.size() / groups});
        ASSERT_THAT(layer_norm, IsOk());
        std::vector<float> expected(x.size());
        ASSERT_THAT(layer_norm->Normalize(x.data(), 2 * groups, expected.data()), IsOk());
        for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], expected[i], 1e-6);
      }
    }
  }
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

TEST(InstanceNorm, OfConstantChannelsIsBetaHoweverSmallEpsilonIs) {
  for (const EpsilonPlacement placement :
       {EpsilonPlacement::kInsideRoot, EpsilonPlacement::kOutsideRoot,
        EpsilonPlacement::kClampVariance, EpsilonPlacement::kClampDeviation}) {
    for (const double epsilon : {0.0, 5e-324, 1e-300, 1e-100}) {
      const NormalizationSpec spec{.method = Method::kInstanceNorm,
                                   .epsilon = epsilon,
                                   .epsilon_placement = placement,
                                   .gamma = AffineParameter{{2}, {3.4e38, -1e30}},
                                   .beta = AffineParameter{{2}, {0.5, -1}}};
      EXPECT_EQ(Normalize(spec, {2, 2}, {7, 7, 1e30f, 1e30f}),
                (std::vector<float>{0.5, 0.5, -1, -1}))
          << epsilon;
    }
  }
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
  EXPECT_THAT(Make(of(3, -2), {12, 7}), IsOk());
  for (const Shape& row_shape : {Shape{}, Shape{0, 7}, Shape{12, -7}}) {
    EXPECT_THAT(Make(of(1, 1), row_shape), IsInvalidField("row_shape"));
  }
  NormalizationSpec spec = of(3, 1);
  spec.gamma = AffineParameter{{12, 1}, std::vector<double>(12)};
  EXPECT_THAT(Make(spec, {12, 7}), IsInvalidField("affine.gamma"));
  spec.gamma.reset();
  spec.beta = AffineParameter{{7}, std::vector<double>(7)};
  EXPECT_THAT(Make(spec, {12, 7}), IsInvalidField("affine.beta"));
}

TEST(GroupNorm, TakesNoRows) {
  float y = 5;
  EXPECT_THAT(Make({.method = Method::kInstanceNorm}, {4})->Normalize({}, 0, &y), IsOk());
  EXPECT_EQ(y, 5);
}

// NaN or infinity spoils its own group of its own row, and no other.
TEST(GroupNorm, RefusesOrPropagatesNonFiniteValues) {
  NormalizationSpec spec{.method = Method::kGroupNorm, .group_count = 2};
  const auto clean = RandomFloats(3 * 8);
  const auto expected = Normalize(spec, {4, 2}, clean);
  for (const float bad : {-kNan, kInfinity, -kInfinity}) {
    for (size_t place = 0; place < clean.size(); ++place) {
      auto x = clean;
      x[place] = bad;
      std::vector<float> y(x.size());
      spec.non_finite = NonFinitePolicy::kReject;
      EXPECT_THAT(Make(spec, {4, 2})->Normalize(x.data(), 3, y.data()), IsInvalidField("data"));
      spec.non_finite = NonFinitePolicy::kPropagate;
      ASSERT_THAT(Make(spec, {4, 2})->Normalize(x.data(), 3, y.data()), IsOk());
      for (size_t i = 0; i < y.size(); ++i) {
        const bool is_spoiled = i / 4 == place / 4;
        EXPECT_EQ(std::bit_cast<uint32_t>(y[i]),
                  is_spoiled ? 0x7FC00000u : std::bit_cast<uint32_t>(expected[i]))
            << bad << " at " << place << ", " << i;
      }
    }
  }
}

}  // namespace
}  // namespace normd
