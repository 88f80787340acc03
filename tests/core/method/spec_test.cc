#include "core/method/spec.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/testing/error_matchers.h"
#include "tests/testing/non_finite.h"

namespace normd {
namespace {

using testing::IsInvalidField;
using testing::IsOk;
using testing::kInfinity;
using testing::kNan;

// What has to be set of a method, and nothing else.
NormalizationSpec Least(Method method) {
  NormalizationSpec spec{.method = method};
  if (method == Method::kGroupNorm) spec.group_count = 1;
  return spec;
}

TEST(Resolve, WritesTheDefaultsOfBatchNormOut) {
  const auto spec = Resolve({.method = Method::kBatchNorm});
  ASSERT_THAT(spec, IsOk());
  EXPECT_EQ(spec->epsilon, 1e-5);
  EXPECT_EQ(spec->epsilon_placement, EpsilonPlacement::kInsideRoot);
  EXPECT_EQ(spec->channel_axis, 1);
  EXPECT_FALSE(spec->normalized_rank.has_value());
  ASSERT_TRUE(spec->estimator.has_value());
  const auto& ema = std::get<BatchEma>(*spec->estimator);
  EXPECT_EQ(ema.momentum, 0.1);
  EXPECT_EQ(ema.convention, MomentumConvention::kNewWeight);
  EXPECT_TRUE(ema.unbiased);
  EXPECT_FALSE(spec->gamma.has_value());
  EXPECT_FALSE(spec->beta.has_value());
  EXPECT_EQ(spec->non_finite, NonFinitePolicy::kReject);
}

TEST(Resolve, WritesTheDefaultsOfRowMethodsOut) {
  for (Method method : {Method::kLayerNorm, Method::kRmsNorm}) {
    const auto spec = Resolve({.method = method});
    ASSERT_THAT(spec, IsOk());
    EXPECT_EQ(spec->epsilon, method == Method::kLayerNorm ? 1e-5 : 0x1p-23);
    EXPECT_EQ(spec->normalized_rank, 1);
    EXPECT_FALSE(spec->channel_axis.has_value());
    EXPECT_FALSE(spec->estimator.has_value());
  }
}

TEST(Resolve, KeepsWhatIsSet) {
  const auto spec = Resolve({.method = Method::kBatchNorm,
                             .epsilon = 0,
                             .epsilon_placement = EpsilonPlacement::kClampVariance,
                             .channel_axis = -1,
                             .gamma = AffineParameter{{2}, {1, 2}},
                             .beta = AffineParameter{{2}, {3, 4}},
                             .estimator = TokenEma{0.5},
                             .non_finite = NonFinitePolicy::kPropagate});
  ASSERT_THAT(spec, IsOk());
  EXPECT_EQ(spec->epsilon, 0);
  EXPECT_EQ(spec->resolved_epsilon().value, 0);
  EXPECT_EQ(spec->resolved_epsilon().placement, EpsilonPlacement::kClampVariance);
  EXPECT_EQ(spec->channel_axis, -1);
  EXPECT_EQ(spec->gamma->values, (std::vector<double>{1, 2}));
  EXPECT_EQ(spec->beta->values, (std::vector<double>{3, 4}));
  EXPECT_EQ(std::get<TokenEma>(*spec->estimator).alpha, 0.5);
  EXPECT_EQ(spec->non_finite, NonFinitePolicy::kPropagate);
  EXPECT_EQ(Resolve({.normalized_rank = 3})->normalized_rank, 3);
}

TEST(Resolve, ChangesNothingTheSecondTime) {
  for (const MethodTraits& traits : Methods()) {
    const NormalizationSpec once = Resolve(Least(traits.method)).value();
    const NormalizationSpec twice = Resolve(once).value();
    EXPECT_EQ(once.epsilon, twice.epsilon);
    EXPECT_EQ(once.epsilon_placement, twice.epsilon_placement);
    EXPECT_EQ(once.group_count, twice.group_count);
    EXPECT_EQ(once.partial, twice.partial);
    EXPECT_EQ(once.order, twice.order);
    EXPECT_EQ(once.gain, twice.gain);
    EXPECT_EQ(once.channel_axis, twice.channel_axis);
    EXPECT_EQ(once.normalized_rank, twice.normalized_rank);
  }
}

TEST(Resolve, RefusesAnEpsilonThatIsNoSmallNumber) {
  for (const MethodTraits& traits : Methods()) {
    if (!traits.epsilon) continue;
    for (double epsilon : {-1e-300, -1.0, kNan, kInfinity, -kInfinity}) {
      NormalizationSpec spec = Least(traits.method);
      spec.epsilon = epsilon;
      EXPECT_THAT(Resolve(spec), IsInvalidField("epsilon.value"))
          << std::string(traits.name) << " " << epsilon;
    }
  }
}

TEST(Resolve, RefusesTheBatchAsChannelAxis) {
  EXPECT_THAT(Resolve({.method = Method::kBatchNorm, .channel_axis = 0}),
              IsInvalidField("channel_axis"));
}

TEST(Resolve, RefusesANormalizedRankBelowOne) {
  for (Method method : {Method::kLayerNorm, Method::kRmsNorm}) {
    for (int rank : {0, -1}) {
      EXPECT_THAT(Resolve({.method = method, .normalized_rank = rank}),
                  IsInvalidField("normalized_rank"));
    }
  }
}

TEST(Resolve, RefusesEstimatorsByTheirField) {
  EXPECT_THAT(Resolve({.method = Method::kBatchNorm, .estimator = BatchEma{2}}),
              IsInvalidField("estimator.batch_ema.momentum"));
  EXPECT_THAT(Resolve({.method = Method::kBatchNorm, .estimator = TokenEma{0}}),
              IsInvalidField("estimator.token_ema.alpha"));
}

TEST(Resolve, RefusesAffineParametersByTheirField) {
  const AffineParameter good{{2, 2}, {1, 2, 3, 4}};
  const AffineParameter too_few{{2, 2}, {1, 2, 3}};
  const AffineParameter too_many{{3}, {1, 2, 3, 4}};
  const AffineParameter shapeless{{}, {}};
  const AffineParameter empty{{0}, {}};
  for (const MethodTraits& traits : Methods()) {
    const auto expect_refused = [&](const AffineParameter& bad, const std::string& below) {
      NormalizationSpec spec = Least(traits.method);
      spec.gamma = bad;
      EXPECT_THAT(Resolve(spec), IsInvalidField("affine.gamma" + below));
      spec.gamma.reset();
      spec.beta = bad;
      EXPECT_THAT(Resolve(spec), IsInvalidField("affine.beta" + below));
    };
    NormalizationSpec spec = Least(traits.method);
    spec.gamma = spec.beta = good;
    EXPECT_THAT(Resolve(spec), IsOk());
    expect_refused(too_few, "");
    expect_refused(too_many, "");
    expect_refused(shapeless, ".shape");
    expect_refused(empty, ".shape");
    for (double value : {kNan, kInfinity, -kInfinity, 3.5e38, -1e308}) {
      expect_refused({{2}, {1, value}}, "");
    }
  }
}

TEST(Resolve, WritesTheDefaultsOfOtherMethodsOut) {
  EXPECT_EQ(Resolve({.method = Method::kLpNorm})->order, LpOrder::kTwo);
  EXPECT_EQ(Resolve({.method = Method::kLpNorm})->epsilon_placement,
            EpsilonPlacement::kClampDeviation);
  EXPECT_EQ(Resolve({.method = Method::kDynamicTanh})->gain, 0.5);
  EXPECT_EQ(Resolve({.method = Method::kRmsNorm})->partial, 1);
  EXPECT_EQ(Resolve({.method = Method::kInstanceNorm})->channel_axis, 1);
  EXPECT_FALSE(Resolve({.method = Method::kScaleNorm})->gain.has_value());  // needs the row's size
}

TEST(Resolve, RefusesParametersOfOneMethodByTheirField) {
  EXPECT_THAT(Resolve({.method = Method::kGroupNorm}), IsInvalidField("group_count"));
  EXPECT_THAT(Resolve({.method = Method::kGroupNorm, .group_count = 0}),
              IsInvalidField("group_count"));
  for (double partial : {0.0, -0.5, 1.01, kNan}) {
    EXPECT_THAT(Resolve({.method = Method::kRmsNorm, .partial = partial}),
                IsInvalidField("partial"));
  }
  // Within float32's range, as gamma, so that products stay finite.
  for (double gain : {kNan, kInfinity, 3.5e38, -1e300}) {
    EXPECT_THAT(Resolve({.method = Method::kScaleNorm, .gain = gain}), IsInvalidField("gain"));
  }
  EXPECT_THAT(Resolve({.method = Method::kScaleNorm, .gain = -3.4e38}), IsOk());
  for (double gain : {kNan, kInfinity, -kInfinity}) {
    EXPECT_THAT(Resolve({.method = Method::kDynamicTanh, .gain = gain}), IsInvalidField("alpha"));
  }
}

}  // namespace
}  // namespace normd
