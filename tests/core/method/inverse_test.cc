// Denormalizing: the inverse of normalizing returns the input.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/session/session.h"
#include "tests/testing/error_matchers.h"
#include "tests/testing/random_values.h"
#include "tests/testing/typed_values.h"

namespace normd {
namespace {

using testing::IsInvalidField;
using testing::IsOk;
using testing::RandomDoubles;
using testing::TypedValues;

constexpr int64_t kChannels = 5;
constexpr StreamingPolicy kTraining{.mode = BatchNormMode::kTraining};
constexpr StreamingPolicy kForward{.mode = BatchNormMode::kInference};
constexpr StreamingPolicy kInverse{.mode = BatchNormMode::kInference,
                                   .direction = Direction::kInverse};

std::vector<NormalizationSpec> Specs() {
  NormalizationSpec affine{.method = Method::kBatchNorm, .estimator = Cumulative{}};
  affine.gamma = AffineParameter{{kChannels}, RandomDoubles(kChannels, -3, -0.5, 1)};
  affine.beta = AffineParameter{{kChannels}, RandomDoubles(kChannels, -3, 3, 2)};
  return {affine,
          {.method = Method::kStandardization},
          {.method = Method::kStandardization, .center = false},
          {.method = Method::kStandardization, .scale = false},
          {.method = Method::kMinMax},
          {.method = Method::kMinMax, .low = -2, .high = 7},
          {.method = Method::kStandardization, .clip = 100}};  // wider than any output
}

struct Fitted {
  explicit Fitted(const NormalizationSpec& spec, const std::vector<double>& x)
      : session(Session::Create({.name = "", .uid = "", .spec = spec, .channels = kChannels},
                                [] { return absl::UnixEpoch(); })
                    .value()),
        normalizer(ChannelNormalizer::Create(session->spec(), {kChannels}).value()) {
    Apply(kTraining, TypedValues(ElementType::kFloat64, x));
  }
  TypedValues Apply(const StreamingPolicy& policy, const TypedValues& x) const {
    TypedValues y(x.type(), x.size());
    EXPECT_THAT(session->Apply(normalizer, policy, x.data(), x.size() / kChannels, y.data()),
                IsOk());
    return y;
  }

  std::shared_ptr<Session> session;
  ChannelNormalizer normalizer;
};

TEST(Inverse, OfNormalizeReturnsTheInput) {
  for (const NormalizationSpec& spec : Specs()) {
    const std::vector<double> x = RandomDoubles(20 * kChannels, -30, 90);
    const Fitted fitted(spec, x);
    for (const auto& [type, tolerance] :
         {std::pair(ElementType::kFloat64, 1e-13), std::pair(ElementType::kFloat32, 1e-6),
          std::pair(ElementType::kFloat16, 0x1p-9), std::pair(ElementType::kBFloat16, 0x1p-6)}) {
      const TypedValues input(type, x);
      const TypedValues back = fitted.Apply(kInverse, fitted.Apply(kForward, input));
      for (size_t i = 0; i < x.size(); ++i) {
        EXPECT_NEAR(back.values()[i], input.values()[i], tolerance * 90)
            << TraitsOf(spec.method).name << " " << testing::NameOf(type);
      }
    }
  }
}

TEST(Inverse, OfAChannelWithoutSpreadIsItsCenter) {
  std::vector<double> x = RandomDoubles(4 * kChannels, 1, 2);
  for (int row = 0; row < 4; ++row) x[row * kChannels + 3] = 8.5;
  for (const Method method : {Method::kStandardization, Method::kMinMax}) {
    const Fitted fitted({.method = method}, x);
    const TypedValues input(ElementType::kFloat64, x);
    const TypedValues forward = fitted.Apply(kForward, input);
    EXPECT_EQ(forward.values()[3], 0);
    EXPECT_EQ(fitted.Apply(kInverse, forward).values()[3], 8.5);
  }
}

TEST(Inverse, NeverClips) {
  const std::vector<double> x = RandomDoubles(20 * kChannels, 500, 900);
  const Fitted fitted({.method = Method::kStandardization, .clip = 10}, x);
  const TypedValues input(ElementType::kFloat64, x);
  EXPECT_NEAR(fitted.Apply(kInverse, fitted.Apply(kForward, input)).values()[7], x[7], 1e-10);
}

TEST(Inverse, GoesWithInferenceOnly) {
  for (const BatchNormMode mode : {BatchNormMode::kTraining, BatchNormMode::kStreaming}) {
    EXPECT_THAT(Validate({.mode = mode, .direction = Direction::kInverse}, Cumulative{}),
                IsInvalidField("direction"));
  }
  EXPECT_THAT(Validate(kInverse, Cumulative{}), IsOk());
}

TEST(Inverse, NeedsAGammaThatIsNowhereZero) {
  NormalizationSpec spec{.method = Method::kBatchNorm, .gamma = AffineParameter{{3}, {1, 0, 2}}};
  EXPECT_THAT(ChannelNormalizer::Create(Resolve(spec).value(), {3})->CheckInvertible(),
              IsInvalidField("affine.gamma"));
  spec.gamma->values[1] = 1e-310;
  EXPECT_THAT(ChannelNormalizer::Create(Resolve(spec).value(), {3})->CheckInvertible(),
              IsInvalidField("affine.gamma"));
  spec.gamma->values[1] = -1e-30;
  EXPECT_THAT(ChannelNormalizer::Create(Resolve(spec).value(), {3})->CheckInvertible(), IsOk());
}

TEST(Clip, BoundsTheOutputsOfEveryMode) {
  const std::vector<double> x = RandomDoubles(20 * kChannels, -30, 90);
  const Fitted fitted({.method = Method::kStandardization, .clip = 0.5}, x);
  for (const StreamingPolicy& policy :
       {kForward, kTraining, StreamingPolicy{.mode = BatchNormMode::kStreaming}}) {
    const auto y = fitted.Apply(policy, TypedValues(ElementType::kFloat32, x)).values();
    EXPECT_EQ(*std::max_element(y.begin(), y.end()), 0.5);
    EXPECT_EQ(*std::min_element(y.begin(), y.end()), -0.5);
  }
}

}  // namespace
}  // namespace normd
