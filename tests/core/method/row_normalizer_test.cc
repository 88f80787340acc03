// LayerNorm and RMSNorm against textbook formulas in long double, and at the edges.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "core/method/normalizer.h"
#include "tests/testing/error_bound.h"
#include "tests/testing/error_matchers.h"
#include "tests/testing/random_values.h"
#include "tests/testing/same_bits.h"

namespace normd {
namespace {

using testing::ExpectWithinErrorBound;
using testing::IsInvalidField;
using testing::IsOk;
using testing::RandomDoubles;
using testing::RandomFloats;
using testing::SameBits;

constexpr Method kRowMethods[] = {Method::kLayerNorm, Method::kRmsNorm};

int64_t Product(absl::Span<const int64_t> dimensions) {
  return std::accumulate(dimensions.begin(), dimensions.end(), int64_t{1}, std::multiplies<>());
}

absl::StatusOr<RowNormalizer> MakeNormalizer(const NormalizationSpec& spec,
                                             absl::Span<const int64_t> row_shape) {
  return RowNormalizer::Create(Resolve(spec).value(), row_shape);
}

// Normalizes `x` and compares it with the reference over the last `spec.normalized_rank`
// dimensions.
void ExpectAccurate(const NormalizationSpec& spec, const Shape& row_shape,
                    const std::vector<float>& x) {
  const auto normalizer = MakeNormalizer(spec, row_shape);
  ASSERT_THAT(normalizer, IsOk());
  ASSERT_EQ(normalizer->row_size(), Product(row_shape));
  const int64_t size = static_cast<int64_t>(x.size());
  std::vector<float> y(x.size());
  ASSERT_THAT(normalizer->Normalize(x.data(), size / Product(row_shape), y.data()), IsOk());
  const NormalizationSpec resolved = Resolve(spec).value();
  const int64_t group =
      Product(absl::MakeConstSpan(row_shape).last(static_cast<size_t>(*resolved.normalized_rank)));
  const auto expected = testing::ReferenceRowNormalize(
      x.data(), size / group, group, spec.method == Method::kLayerNorm, *resolved.epsilon,
      spec.gamma ? spec.gamma->values.data() : nullptr,
      spec.beta ? spec.beta->values.data() : nullptr);
  ExpectWithinErrorBound(
      y, expected, {.beta = spec.beta ? spec.beta->values : std::vector<double>(), .inner = 1});

  std::vector<float> in_place = x;
  ASSERT_THAT(normalizer->Normalize(in_place.data(), size / Product(row_shape), in_place.data()),
              IsOk());
  EXPECT_TRUE(SameBits(in_place, y));
}

class RowMethod : public ::testing::TestWithParam<Method> {};

INSTANTIATE_TEST_SUITE_P(, RowMethod, ::testing::ValuesIn(kRowMethods),
                         [](const auto& info) { return std::string(TraitsOf(info.param).title); });

TEST_P(RowMethod, MatchesTheReferenceAcrossShapes) {
  for (const Shape& row_shape :
       {Shape{1}, Shape{2}, Shape{7}, Shape{16}, Shape{17}, Shape{1024}, Shape{3, 5}, Shape{4, 8},
        Shape{5, 1}, Shape{2, 3, 4}, Shape{3, 1, 17}}) {
    for (int rank = 1; rank <= static_cast<int>(row_shape.size()); ++rank) {
      const auto trailing = absl::MakeConstSpan(row_shape).last(static_cast<size_t>(rank));
      const Shape shape(trailing.begin(), trailing.end());
      const int64_t group = Product(trailing);
      for (int affine = 0; affine < 4; ++affine) {
        NormalizationSpec spec{.method = GetParam(), .normalized_rank = rank};
        if (affine & 1) spec.gamma = AffineParameter{shape, RandomDoubles(group, -3, 3, 1)};
        if (affine & 2) spec.beta = AffineParameter{shape, RandomDoubles(group, -3, 3, 2)};
        for (int64_t rows : {1, 5}) {
          SCOPED_TRACE(::testing::Message() << ToString(row_shape) << " rank " << rank << " affine "
                                            << affine << " rows " << rows);
          ExpectAccurate(spec, row_shape, RandomFloats(rows * Product(row_shape)));
        }
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
    for (double epsilon : {0.0, 1e-30, 1e-5}) {
      SCOPED_TRACE(::testing::Message() << "from " << x[0] << ", epsilon " << epsilon);
      ExpectAccurate({.method = GetParam(), .epsilon = epsilon}, {kSize}, x);
      ExpectAccurate({.method = GetParam(),
                      .epsilon = epsilon,
                      .gamma = AffineParameter{{kSize}, RandomDoubles(kSize, -3, 3, 1)},
                      .beta = AffineParameter{{kSize}, RandomDoubles(kSize, -3, 3, 2)}},
                     {kSize}, x);
    }
  }
}

TEST_P(RowMethod, GivesEachRowWhatItGivesItAlone) {
  const auto normalizer = MakeNormalizer({.method = GetParam()}, {3, 37});
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
  const auto normalizer = MakeNormalizer({.method = GetParam()}, {4});
  float y = 5;
  EXPECT_THAT(normalizer->Normalize(nullptr, 0, &y), IsOk());
  EXPECT_EQ(y, 5);
}

TEST_P(RowMethod, RefusesSpecsThatDoNotFitTheRow) {
  const AffineParameter of_six{{6}, std::vector<double>(6)};
  EXPECT_THAT(MakeNormalizer({.method = GetParam(), .normalized_rank = 3}, {4, 6}),
              IsInvalidField("normalized_rank"));
  for (const auto& [rank, row_shape] :
       {std::pair(1, Shape{6, 4}), std::pair(2, Shape{2, 3}), std::pair(1, Shape{5})}) {
    EXPECT_THAT(
        MakeNormalizer({.method = GetParam(), .normalized_rank = rank, .gamma = of_six}, row_shape),
        IsInvalidField("affine.gamma"));
    EXPECT_THAT(
        MakeNormalizer({.method = GetParam(), .normalized_rank = rank, .beta = of_six}, row_shape),
        IsInvalidField("affine.beta"));
  }
  EXPECT_THAT(MakeNormalizer({.method = GetParam(), .gamma = of_six}, {4, 6}), IsOk());
}

TEST_P(RowMethod, RefusesRowsWithoutAShape) {
  for (const Shape& row_shape : {Shape{}, Shape{0}, Shape{3, -1}, Shape{1, 1, 1, 1, 1, 1, 1, 1, 1},
                                 Shape{int64_t{1} << 40, int64_t{1} << 40}}) {
    EXPECT_THAT(MakeNormalizer({.method = GetParam()}, row_shape), IsInvalidField("row_shape"));
  }
}

TEST(LayerNorm, OfOneFeatureIsBeta) {
  const auto normalizer = MakeNormalizer(
      {.gamma = AffineParameter{{1}, {5}}, .beta = AffineParameter{{1}, {0.25}}}, {1});
  const std::vector<float> x = {7, -1e30f, 0, 1e-45f};
  std::vector<float> y(4);
  ASSERT_THAT(normalizer->Normalize(x.data(), 4, y.data()), IsOk());
  EXPECT_EQ(y, std::vector<float>(4, 0.25f));
}

TEST(LayerNorm, OfAConstantRowIsBeta) {
  const auto normalizer = MakeNormalizer({.beta = AffineParameter{{3}, {1, 2, 3}}}, {3});
  const std::vector<float> x(3, 0.1f);
  std::vector<float> y(3);
  ASSERT_THAT(normalizer->Normalize(x.data(), 1, y.data()), IsOk());
  EXPECT_EQ(y, (std::vector<float>{1, 2, 3}));
}

TEST(RmsNorm, OfOneFeatureIsItsSign) {
  const auto normalizer = MakeNormalizer({.method = Method::kRmsNorm, .epsilon = 0}, {1});
  const std::vector<float> x = {7, -1e30f, 0, 1e-45f};
  std::vector<float> y(4);
  ASSERT_THAT(normalizer->Normalize(x.data(), 4, y.data()), IsOk());
  EXPECT_EQ(y, (std::vector<float>{1, -1, 0, 1}));
}

}  // namespace
}  // namespace normd
