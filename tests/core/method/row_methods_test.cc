// Every method within trailing dimensions, with its own parameters, against textbook formulas.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <ostream>
#include <string>
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
using testing::ReferenceRow;

struct NamedSpec {
  std::string name;
  NormalizationSpec spec;

  friend void PrintTo(const NamedSpec& named, std::ostream* out) { *out << named.name; }
};

std::vector<NamedSpec> Specs() {
  return {{"DyT", {.method = Method::kDynamicTanh}},
          {"DyTSteep", {.method = Method::kDynamicTanh, .gain = -3}},
          {"LayerNorm", {.method = Method::kLayerNorm}},
          {"L1", {.method = Method::kLpNorm, .order = LpOrder::kOne}},
          {"L2", {.method = Method::kLpNorm}},
          {"LInfinity", {.method = Method::kLpNorm, .order = LpOrder::kInfinity}},
          {"RmsNorm", {.method = Method::kRmsNorm}},
          {"RmsNormPartial", {.method = Method::kRmsNorm, .partial = 0.25}},
          {"ScaleNorm", {.method = Method::kScaleNorm}},
          {"ScaleNormGain", {.method = Method::kScaleNorm, .gain = -2.5}}};
}

class RowMethods : public ::testing::TestWithParam<NamedSpec> {
 protected:
  // One row after the other against the reference, with gamma and beta and without.
  static void ExpectAccurate(NormalizationSpec spec, const std::vector<float>& x, int64_t size) {
    for (const bool affine : {false, true}) {
      if (affine) {
        spec.gamma = AffineParameter{{size}, RandomDoubles(size, -3, 3, 1)};
        spec.beta = AffineParameter{{size}, RandomDoubles(size, -3, 3, 2)};
      }
      const NormalizationSpec resolved = Resolve(spec).value();
      const auto normalizer = RowNormalizer::Create(resolved, {size});
      ASSERT_THAT(normalizer, IsOk());
      std::vector<float> y(x.size());
      ASSERT_THAT(normalizer->Normalize(x.data(), static_cast<int64_t>(x.size()) / size, y.data()),
                  IsOk());
      std::vector<long double> expected;
      for (auto row = x.begin(); row != x.end(); row += size) {
        const auto xhat = ReferenceRow(resolved, std::vector<float>(row, row + size));
        for (int64_t i = 0; i < size; ++i) {
          expected.push_back(affine ? xhat[i] * spec.gamma->values[i] + spec.beta->values[i]
                                    : xhat[i]);
        }
      }
      ExpectWithinErrorBound(y, expected, {affine ? spec.beta->values : std::vector<double>()});
    }
  }
};

INSTANTIATE_TEST_SUITE_P(, RowMethods, ::testing::ValuesIn(Specs()),
                         [](const auto& info) { return info.param.name; });

TEST_P(RowMethods, MatchTheReferenceAtEverySize) {
  for (const int64_t size : {4, 5, 15, 16, 17, 64, 100, 1024}) {
    SCOPED_TRACE(size);
    ExpectAccurate(GetParam().spec, RandomFloats(3 * size), size);
  }
}

TEST_P(RowMethods, MatchTheReferenceWithEpsilonAnywhere) {
  for (const EpsilonPlacement placement :
       {EpsilonPlacement::kInsideRoot, EpsilonPlacement::kOutsideRoot,
        EpsilonPlacement::kClampVariance, EpsilonPlacement::kClampDeviation}) {
    for (const double epsilon : {0.0, 1e-5, 3.0, 1e4}) {
      NormalizationSpec spec = GetParam().spec;
      spec.epsilon = epsilon;
      spec.epsilon_placement = placement;
      ExpectAccurate(spec, RandomFloats(40), 20);
    }
  }
}

TEST_P(RowMethods, MatchTheReferenceOnHardRows) {
  std::vector<std::vector<float>> hard = {RandomFloats(20, 1e6, 1), std::vector<float>(20, 0),
                                          std::vector<float>(20, -3e38f)};
  for (const float factor : {1e30f, 1e-30f, 1e-42f, 1e-45f}) {
    hard.push_back(RandomFloats(20, 0, 3));
    for (float& value : hard.back()) value *= factor;
  }
  for (const auto& x : hard) {
    SCOPED_TRACE(x[0]);
    ExpectAccurate(GetParam().spec, x, 20);
    NormalizationSpec exact = GetParam().spec;
    exact.epsilon = 0;
    ExpectAccurate(exact, x, 20);
  }
}

TEST_P(RowMethods, NormalizeInPlaceAndEachRowByItself) {
  const auto normalizer = RowNormalizer::Create(Resolve(GetParam().spec).value(), {33});
  ASSERT_THAT(normalizer, IsOk());
  std::vector<float> x = RandomFloats(5 * 33);
  std::vector<float> together(x.size());
  ASSERT_THAT(normalizer->Normalize(x.data(), 5, together.data()), IsOk());
  for (int row = 0; row < 5; ++row) {
    float* begin = x.data() + static_cast<ptrdiff_t>(row) * 33;
    ASSERT_THAT(normalizer->Normalize(begin, 1, begin), IsOk());
  }
  EXPECT_TRUE(testing::SameBits(x, together));
}

TEST_P(RowMethods, RefuseOrPropagateNonFiniteValues) {
  NormalizationSpec spec = GetParam().spec;
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
    std::vector<float> x = RandomFloats(40);
    x[7] = bad;
    std::vector<float> y(x.size());
    spec.non_finite = NonFinitePolicy::kReject;
    EXPECT_THAT(
        RowNormalizer::Create(Resolve(spec).value(), {20})->Normalize(x.data(), 2, y.data()),
        IsInvalidField("data"));
    spec.non_finite = NonFinitePolicy::kPropagate;
    ASSERT_THAT(
        RowNormalizer::Create(Resolve(spec).value(), {20})->Normalize(x.data(), 2, y.data()),
        IsOk());
    // A statistic that saw NaN spoils its row, and no other.
    const bool has_statistic = spec.method != Method::kDynamicTanh && !spec.partial;
    if (std::isnan(bad)) {
      EXPECT_TRUE(std::isnan(y[7]));
      EXPECT_EQ(std::isnan(y[19]), has_statistic);
    }
    for (int i = 20; i < 40; ++i) EXPECT_TRUE(std::isfinite(y[i]));
  }
}

TEST(RmsNormPartial, NeedsAnElement) {
  const NormalizationSpec spec = Resolve({.method = Method::kRmsNorm, .partial = 0.24}).value();
  EXPECT_THAT(RowNormalizer::Create(spec, {4}), IsInvalidField("partial"));
  EXPECT_THAT(RowNormalizer::Create(spec, {5}), IsOk());
}

TEST(ScaleNormGain, IsTheRootOfTheSizeByDefault) {
  const NormalizationSpec spec = Resolve({.method = Method::kScaleNorm}).value();
  EXPECT_EQ(RowNormalizer::Create(spec, {9})->spec().gain, 3);
  EXPECT_EQ(RowNormalizer::Create(Resolve({.method = Method::kScaleNorm, .gain = 2}).value(), {9})
                ->spec()
                .gain,
            2);
}

}  // namespace
}  // namespace normd
