// Every method with statistics within trailing dimensions, or none, against textbook formulas in
// long double, and at the edges.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/method/normalizer.h"
#include "tests/core/method/row_method_specs.h"
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
using testing::NamedSpec;
using testing::RandomDoubles;
using testing::RandomFloats;
using testing::RowMethodSpecs;
using testing::SameBits;

int64_t Product(absl::Span<const int64_t> dimensions) {
  return std::accumulate(dimensions.begin(), dimensions.end(), int64_t{1}, std::multiplies<>());
}

absl::StatusOr<RowNormalizer> MakeRowNormalizer(const NormalizationSpec& spec,
                                                absl::Span<const int64_t> row_shape) {
  return RowNormalizer::Create(Resolve(spec).value(), row_shape);
}

// Normalizes `x`, in place too, and compares it with the reference over the last
// `spec.normalized_rank` dimensions.
void ExpectAccurate(const NormalizationSpec& spec, const Shape& row_shape,
                    const std::vector<float>& x) {
  const NormalizationSpec resolved = Resolve(spec).value();
  const int64_t size =
      Product(absl::MakeConstSpan(row_shape).last(static_cast<size_t>(*resolved.normalized_rank)));
  const auto normalizer = RowNormalizer::Create(resolved, row_shape);
  ASSERT_THAT(normalizer, IsOk());
  ASSERT_EQ(normalizer->row_size(), Product(row_shape));
  const int64_t rows = static_cast<int64_t>(x.size()) / Product(row_shape);
  std::vector<float> y(x.size());
  ASSERT_THAT(normalizer->Normalize(x.data(), rows, y.data()), IsOk());
  ExpectWithinErrorBound(
      y, testing::ReferenceNormalizeRows(testing::ReferenceNorm(resolved, size), x, size),
      {.beta = spec.beta ? spec.beta->values : std::vector<double>(), .inner = 1});

  std::vector<float> in_place = x;
  ASSERT_THAT(normalizer->Normalize(in_place.data(), rows, in_place.data()), IsOk());
  EXPECT_TRUE(SameBits(in_place, y));
}

// With gamma, beta, both and neither, of the shape of the trailing dimensions.
void ExpectAccurateWithAnyAffine(NormalizationSpec spec, const Shape& row_shape,
                                 const std::vector<float>& x) {
  const auto trailing =
      absl::MakeConstSpan(row_shape).last(static_cast<size_t>(spec.normalized_rank.value_or(1)));
  const Shape shape(trailing.begin(), trailing.end());
  for (const bool gamma : {false, true}) {
    for (const bool beta : {false, true}) {
      SCOPED_TRACE(::testing::Message()
                   << ToString(row_shape) << " normalized " << ToString(trailing) << " from "
                   << x[0] << ", gamma " << gamma << ", beta " << beta);
      spec.gamma.reset();
      spec.beta.reset();
      if (gamma) spec.gamma = AffineParameter{shape, RandomDoubles(Product(shape), -3, 3, 1)};
      if (beta) spec.beta = AffineParameter{shape, RandomDoubles(Product(shape), -3, 3, 2)};
      ExpectAccurate(spec, row_shape, x);
    }
  }
}

TEST(RowMethodSpecs, HoldEveryMethodOfTheTableThatNeedsNoOtherRows) {
  for (const MethodTraits& traits : Methods()) {
    const std::vector<NamedSpec> specs = RowMethodSpecs();
    EXPECT_EQ(
        std::any_of(specs.begin(), specs.end(),
                    [&](const NamedSpec& named) { return named.spec.method == traits.method; }),
        traits.shared_over == SharedOver::kTrailingDimensions ||
            traits.shared_over == SharedOver::kNothing)
        << std::string(traits.name);
  }
}

class RowMethod : public ::testing::TestWithParam<NamedSpec> {
 protected:
  const NormalizationSpec spec_ = GetParam().spec;
};

INSTANTIATE_TEST_SUITE_P(, RowMethod, ::testing::ValuesIn(RowMethodSpecs()),
                         [](const auto& info) { return info.param.name; });

TEST_P(RowMethod, MatchesTheReferenceAcrossShapes) {
  for (const Shape& row_shape :
       {Shape{1}, Shape{2}, Shape{7}, Shape{16}, Shape{17}, Shape{1024}, Shape{3, 5}, Shape{4, 8},
        Shape{5, 1}, Shape{2, 3, 4}, Shape{3, 1, 17}}) {
    NormalizationSpec spec = spec_;
    for (int rank = 1; rank <= static_cast<int>(row_shape.size()); ++rank) {
      spec.normalized_rank = rank;
      for (int64_t rows : {1, 5}) {
        ExpectAccurateWithAnyAffine(spec, row_shape, RandomFloats(rows * Product(row_shape)));
      }
    }
  }
}

TEST_P(RowMethod, MatchesTheReferenceOnHardRows) {
  constexpr int64_t kSize = 100;
  std::vector<std::vector<float>> hard = {
      RandomFloats(kSize, 1e6, 1), std::vector<float>(kSize, 0.1f), std::vector<float>(kSize, 0),
      std::vector<float>(kSize, -3e38f)};
  for (float factor : {1e30f, 1e-30f, 1e-38f, 1e-42f, 1e-45f}) {
    hard.push_back(RandomFloats(kSize, 0, 3));
    for (float& value : hard.back()) value *= factor;
  }
  for (const std::vector<float>& x : hard) {
    NormalizationSpec spec = spec_;
    ExpectAccurateWithAnyAffine(spec, {kSize}, x);
    for (double epsilon : {0.0, 1e-30, 1e-5}) {
      spec.epsilon = epsilon;
      ExpectAccurateWithAnyAffine(spec, {kSize}, x);
    }
  }
}

TEST_P(RowMethod, MatchesTheReferenceWithEpsilonAnywhere) {
  for (const EpsilonPlacement placement :
       {EpsilonPlacement::kInsideRoot, EpsilonPlacement::kOutsideRoot,
        EpsilonPlacement::kClampVariance, EpsilonPlacement::kClampDeviation}) {
    for (const double epsilon : {0.0, 1e-5, 3.0, 1e4}) {
      NormalizationSpec spec = spec_;
      spec.epsilon = epsilon;
      spec.epsilon_placement = placement;
      ExpectAccurateWithAnyAffine(spec, {20}, RandomFloats(40));
      ExpectAccurateWithAnyAffine(spec, {20}, std::vector<float>(20));
    }
  }
}

TEST_P(RowMethod, GivesEachRowWhatItGivesItAlone) {
  const auto normalizer = MakeRowNormalizer(spec_, {3, 37});
  ASSERT_THAT(normalizer, IsOk());
  constexpr int64_t kRow = 3 * 37;
  const auto x = RandomFloats(8 * kRow);
  std::vector<float> together(x.size()), alone(x.size());
  ASSERT_THAT(normalizer->Normalize(x.data(), 8, together.data()), IsOk());
  for (int64_t begin = 0; begin < 8 * kRow; begin += kRow) {
    ASSERT_THAT(normalizer->Normalize(x.data() + begin, 1, alone.data() + begin), IsOk());
  }
  EXPECT_TRUE(SameBits(together, alone));
}

TEST_P(RowMethod, TakesNoRows) {
  const auto normalizer = MakeRowNormalizer(spec_, {4});
  float y = 5;
  EXPECT_THAT(normalizer->Normalize({}, 0, &y), IsOk());
  EXPECT_EQ(y, 5);
}

TEST_P(RowMethod, RefusesSpecsThatDoNotFitTheRow) {
  NormalizationSpec spec = spec_;
  spec.normalized_rank = 3;
  EXPECT_THAT(MakeRowNormalizer(spec, {4, 6}), IsInvalidField("normalized_rank"));
  const AffineParameter of_six{{6}, std::vector<double>(6)};
  for (const auto& [rank, row_shape] :
       {std::pair(1, Shape{6, 4}), std::pair(2, Shape{2, 3}), std::pair(1, Shape{5})}) {
    spec = spec_;
    spec.normalized_rank = rank;
    spec.gamma = of_six;
    EXPECT_THAT(MakeRowNormalizer(spec, row_shape), IsInvalidField("affine.gamma"));
    spec.gamma.reset();
    spec.beta = of_six;
    EXPECT_THAT(MakeRowNormalizer(spec, row_shape), IsInvalidField("affine.beta"));
  }
  spec.normalized_rank = 1;
  spec.gamma = of_six;
  EXPECT_THAT(MakeRowNormalizer(spec, {4, 6}), IsOk());
}

TEST_P(RowMethod, RefusesRowsWithoutAShape) {
  for (const Shape& row_shape : {Shape{}, Shape{0}, Shape{3, -1}, Shape{1, 1, 1, 1, 1, 1, 1, 1, 1},
                                 Shape{int64_t{1} << 40, int64_t{1} << 40}}) {
    EXPECT_THAT(MakeRowNormalizer(spec_, row_shape), IsInvalidField("row_shape"));
  }
}

// gamma, beta and what a statistic gives are each finite; so are their products, before float32.
TEST_P(RowMethod, MakesNoNanOfFiniteValues) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  const std::vector<float> x = {0, -0.0f, 0, 0, 0, -0.0f, 1e-45f, -1e-45f, 1, 3.4e38f, -3.4e38f, 0};
  for (const EpsilonPlacement placement :
       {EpsilonPlacement::kInsideRoot, EpsilonPlacement::kOutsideRoot,
        EpsilonPlacement::kClampVariance, EpsilonPlacement::kClampDeviation}) {
    for (const double epsilon : {0.0, 5e-324, 1e-310, 1e-300, 1e-200, 1e300}) {
      NormalizationSpec spec = spec_;
      spec.epsilon = epsilon;
      spec.epsilon_placement = placement;
      spec.gamma = AffineParameter{{4}, {kLargest, -kLargest, 0, 1}};
      spec.beta = AffineParameter{{4}, {-kLargest, kLargest, 1, 0}};
      std::vector<float> y(x.size());
      ASSERT_THAT(MakeRowNormalizer(spec, {4})->Normalize(x.data(), 3, y.data()), IsOk());
      for (const float value : y) EXPECT_FALSE(std::isnan(value)) << epsilon;
    }
  }
}

TEST(LayerNorm, OfOneFeatureIsBeta) {
  const auto normalizer = MakeRowNormalizer(
      {.gamma = AffineParameter{{1}, {5}}, .beta = AffineParameter{{1}, {0.25}}}, {1});
  const std::vector<float> x = {7, -1e30f, 0, 1e-45f};
  std::vector<float> y(4);
  ASSERT_THAT(normalizer->Normalize(x.data(), 4, y.data()), IsOk());
  EXPECT_EQ(y, std::vector<float>(4, 0.25f));
}

TEST(LayerNorm, OfAConstantRowIsBeta) {
  const auto normalizer = MakeRowNormalizer({.beta = AffineParameter{{3}, {1, 2, 3}}}, {3});
  const std::vector<float> x(3, 0.1f);
  std::vector<float> y(3);
  ASSERT_THAT(normalizer->Normalize(x.data(), 1, y.data()), IsOk());
  EXPECT_EQ(y, (std::vector<float>{1, 2, 3}));
}

TEST(RmsNorm, OfOneFeatureIsItsSign) {
  const auto normalizer = MakeRowNormalizer({.method = Method::kRmsNorm, .epsilon = 0}, {1});
  const std::vector<float> x = {7, -1e30f, 0, 1e-45f};
  std::vector<float> y(4);
  ASSERT_THAT(normalizer->Normalize(x.data(), 4, y.data()), IsOk());
  EXPECT_EQ(y, (std::vector<float>{1, -1, 0, 1}));
}

TEST(RmsNormPartial, CountsTheFirstElementsRoundedDown) {
  const std::vector<float> x = {3, 4, 5, 1000, 0};
  for (const auto& [partial, mean_square] : {std::pair(0.2, 9.0), std::pair(0.59, 12.5),
                                             std::pair(0.6, 50 / 3.0), std::pair(0.79, 50 / 3.0)}) {
    const auto normalizer =
        MakeRowNormalizer({.method = Method::kRmsNorm, .epsilon = 0, .partial = partial}, {5});
    ASSERT_THAT(normalizer, IsOk());
    std::vector<float> y(5);
    ASSERT_THAT(normalizer->Normalize(x.data(), 1, y.data()), IsOk());
    for (int i = 0; i < 5; ++i) {
      EXPECT_FLOAT_EQ(y[i], static_cast<float>(x[i] / std::sqrt(mean_square))) << partial;
    }
  }
}

TEST(RmsNormPartial, CountsOneElementAtLeast) {
  const auto normalizer =
      MakeRowNormalizer({.method = Method::kRmsNorm, .epsilon = 0, .partial = 0.24}, {4});
  const std::vector<float> x = {2, 6, -8, 1};
  std::vector<float> y(4);
  ASSERT_THAT(normalizer->Normalize(x.data(), 1, y.data()), IsOk());
  EXPECT_EQ(y, (std::vector<float>{1, 3, -4, 0.5}));
}

TEST(ScaleNorm, HasTheRootOfTheSizeAsItsGainByDefault) {
  NormalizationSpec spec{.method = Method::kScaleNorm};
  EXPECT_EQ(MakeRowNormalizer(spec, {2, 9})->spec().gain, 3);
  spec.normalized_rank = 2;  // whole rows, whose steps may vary
  EXPECT_FALSE(MakeRowNormalizer(spec, {4, 9})->spec().gain.has_value());
  spec.gain = 2;
  EXPECT_EQ(MakeRowNormalizer(spec, {4, 9})->spec().gain, 2);
}

TEST(ScaleNorm, MakesNoNanOfFiniteValuesByItsLargestGain) {
  for (const double epsilon : {0.0, 1e-300, 1e-5}) {
    const auto normalizer = MakeRowNormalizer({.method = Method::kScaleNorm,
                                               .epsilon = epsilon,
                                               .gain = std::numeric_limits<float>::max()},
                                              {2});
    const std::vector<float> x = {0, 0, 0, 1e-45f, 3e38f, 0};
    std::vector<float> y(x.size());
    ASSERT_THAT(normalizer->Normalize(x.data(), 3, y.data()), IsOk());
    for (const float value : y) EXPECT_FALSE(std::isnan(value)) << epsilon;
  }
}

TEST(LpNorm, MakesTheNormOne) {
  const std::vector<float> x = {3, -4, 0, 0};
  for (const auto& [order, expected] :
       {std::pair(LpOrder::kOne, std::vector<float>{3 / 7.0f, -4 / 7.0f, 0, 0}),
        std::pair(LpOrder::kTwo, std::vector<float>{0.6f, -0.8f, 0, 0}),
        std::pair(LpOrder::kInfinity, std::vector<float>{0.75f, -1, 0, 0})}) {
    std::vector<float> y(4);
    ASSERT_THAT(MakeRowNormalizer({.method = Method::kLpNorm, .order = order}, {4})
                    ->Normalize(x.data(), 1, y.data()),
                IsOk());
    EXPECT_EQ(y, expected);
  }
}

TEST(DynamicTanh, IsBoundedByGammaAboutBeta) {
  const auto normalizer = MakeRowNormalizer({.method = Method::kDynamicTanh,
                                             .gain = 1e300,
                                             .gamma = AffineParameter{{4}, {2, 2, 2, 2}},
                                             .beta = AffineParameter{{4}, {1, 1, 1, 1}}},
                                            {4});
  const std::vector<float> x = {3.4e38f, -3.4e38f, 0, 1e-45f};
  std::vector<float> y(4);
  ASSERT_THAT(normalizer->Normalize(x.data(), 1, y.data()), IsOk());
  EXPECT_EQ(y, (std::vector<float>{3, -1, 1, 3}));
}

}  // namespace
}  // namespace normd
