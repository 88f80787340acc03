// The defaults of each framework, as its documentation has them.
#include "core/method/profile.h"

#include <gtest/gtest.h>

#include <vector>

#include "core/method/spec.h"
#include "tests/testing/error_matchers.h"

namespace normd {
namespace {

using testing::IsInvalidField;
using testing::IsOk;

constexpr Profile kProfiles[] = {Profile::kPyTorch, Profile::kKeras, Profile::kFlax,
                                 Profile::kOnnx};

NormalizationSpec ResolvedBy(Profile profile, Method method,
                             ElementType input = ElementType::kFloat32) {
  NormalizationSpec spec{.method = method, .profile = profile};
  if (method == Method::kGroupNorm) spec.group_count = 2;
  return Resolve(spec, input).value();
}

// Epsilon's value and placement for PyTorch, Keras, Flax and ONNX.
struct Expectation {
  Method method;
  std::vector<Epsilon> epsilon;
};

TEST(Profiles, HaveEachFrameworksEpsilon) {
  constexpr auto kInside = EpsilonPlacement::kInsideRoot;
  constexpr auto kOutside = EpsilonPlacement::kOutsideRoot;
  constexpr auto kClamp = EpsilonPlacement::kClampDeviation;
  const std::vector<Expectation> expectations = {
      {Method::kBatchNorm, {{1e-5, kInside}, {1e-3, kInside}, {1e-5, kInside}, {1e-5, kInside}}},
      {Method::kLayerNorm, {{1e-5, kInside}, {1e-3, kInside}, {1e-6, kInside}, {1e-5, kInside}}},
      {Method::kGroupNorm, {{1e-5, kInside}, {1e-3, kInside}, {1e-6, kInside}, {1e-5, kInside}}},
      {Method::kInstanceNorm, {{1e-5, kInside}, {1e-3, kInside}, {1e-6, kInside}, {1e-5, kInside}}},
      {Method::kRmsNorm,
       {{1.1920928955078125e-07, kInside}, {1e-6, kInside}, {1e-6, kInside}, {1e-5, kInside}}},
      {Method::kLpNorm, {{1e-12, kClamp}, {1e-12, kClamp}, {1e-12, kInside}, {0, kClamp}}},
      {Method::kStandardization, {{0, kInside}, {1e-7, kClamp}, {1e-5, kInside}, {1e-9, kOutside}}},
      {Method::kRowStandardization,
       {{0, kInside}, {1e-7, kClamp}, {1e-5, kInside}, {1e-9, kOutside}}}};
  for (const Expectation& expectation : expectations) {
    for (const Profile profile : kProfiles) {
      const NormalizationSpec spec = ResolvedBy(profile, expectation.method);
      const Epsilon& expected = expectation.epsilon[static_cast<size_t>(profile)];
      EXPECT_EQ(spec.epsilon, expected.value)
          << std::string(TraitsOf(spec.method).name) << " " << static_cast<int>(profile);
      EXPECT_EQ(spec.epsilon_placement, expected.placement)
          << std::string(TraitsOf(spec.method).name) << " " << static_cast<int>(profile);
    }
  }
}

TEST(Profiles, OnlyPyTorchsRmsNormDependsOnTheType) {
  const double of_double = 2.220446049250313e-16;
  EXPECT_EQ(ResolvedBy(Profile::kPyTorch, Method::kRmsNorm, ElementType::kFloat64).epsilon,
            of_double);
  for (const ElementType half : {ElementType::kFloat16, ElementType::kBFloat16}) {
    EXPECT_EQ(ResolvedBy(Profile::kPyTorch, Method::kRmsNorm, half).epsilon, 0x1p-23);
  }
  EXPECT_EQ(ResolvedBy(Profile::kKeras, Method::kRmsNorm, ElementType::kFloat64).epsilon, 1e-6);
}

TEST(Profiles, HaveEachFrameworksRunningStatistics) {
  const auto ema = [](Profile profile) {
    return std::get<BatchEma>(*ResolvedBy(profile, Method::kBatchNorm).estimator);
  };
  EXPECT_EQ(ema(Profile::kPyTorch).momentum, 0.1);
  EXPECT_EQ(ema(Profile::kPyTorch).convention, MomentumConvention::kNewWeight);
  EXPECT_TRUE(ema(Profile::kPyTorch).unbiased);
  for (const auto& [profile, momentum] :
       {std::pair(Profile::kKeras, 0.99), std::pair(Profile::kFlax, 0.99),
        std::pair(Profile::kOnnx, 0.9)}) {
    EXPECT_EQ(ema(profile).momentum, momentum);
    EXPECT_EQ(ema(profile).convention, MomentumConvention::kOldWeight);
    EXPECT_FALSE(ema(profile).unbiased);
    EXPECT_FALSE(DefaultCumulativeBatch(profile).unbiased);
  }
  EXPECT_TRUE(DefaultCumulativeBatch(Profile::kPyTorch).unbiased);
  for (const Profile profile : kProfiles) {
    EXPECT_TRUE(std::holds_alternative<Cumulative>(
        *ResolvedBy(profile, Method::kStandardization).estimator));
    EXPECT_TRUE(
        std::holds_alternative<RunningExtremes>(*ResolvedBy(profile, Method::kMinMax).estimator));
  }
}

TEST(Profiles, HaveEachFrameworksChannelAxisAndGroups) {
  for (const Profile profile : kProfiles) {
    const bool last = profile == Profile::kKeras || profile == Profile::kFlax;
    for (const Method method : {Method::kBatchNorm, Method::kInstanceNorm, Method::kMinMax}) {
      EXPECT_EQ(ResolvedBy(profile, method).channel_axis, last ? -1 : 1);
    }
    const auto group_norm = Resolve({.method = Method::kGroupNorm, .profile = profile});
    if (last) {
      ASSERT_THAT(group_norm, IsOk());
      EXPECT_EQ(group_norm->group_count, 32);
    } else {
      EXPECT_THAT(group_norm, IsInvalidField("group_count"));
    }
  }
}

TEST(Profiles, FillOnlyWhatIsNotSet) {
  for (const Profile profile : kProfiles) {
    NormalizationSpec given{.method = Method::kBatchNorm,
                            .profile = profile,
                            .epsilon = 0.5,
                            .epsilon_placement = EpsilonPlacement::kClampVariance,
                            .channel_axis = 2,
                            .estimator = TokenEma{0.25}};
    const NormalizationSpec spec = Resolve(given).value();
    EXPECT_EQ(spec.epsilon, 0.5);
    EXPECT_EQ(spec.epsilon_placement, EpsilonPlacement::kClampVariance);
    EXPECT_EQ(spec.channel_axis, 2);
    EXPECT_EQ(std::get<TokenEma>(*spec.estimator).alpha, 0.25);
    EXPECT_EQ(spec.profile, profile);
  }
}

}  // namespace
}  // namespace normd
