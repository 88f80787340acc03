#include "core/statistics/estimator.h"

#include <gtest/gtest.h>

#include "tests/testing/error_matchers.h"
#include "tests/testing/non_finite.h"

namespace normd {
namespace {

using testing::IsInvalidField;
using testing::IsOk;
using testing::kInfinity;
using testing::kNan;

constexpr auto kNewWeight = MomentumConvention::kNewWeight;
constexpr auto kOldWeight = MomentumConvention::kOldWeight;

TEST(Estimator, DefaultsAreValid) {
  for (const Estimator& estimator : {Estimator(Cumulative{}), Estimator(CumulativeBatch{}),
                                     Estimator(BatchEma{}), Estimator(TokenEma{})}) {
    EXPECT_THAT(Validate(estimator), IsOk());
  }
}

TEST(Estimator, BatchEmaNeedsAMomentumThatLetsBatchesIn) {
  for (double momentum : {-0.1, 1.1, kNan, kInfinity, -kInfinity}) {
    for (auto convention : {kNewWeight, kOldWeight}) {
      EXPECT_THAT(Validate(BatchEma{momentum, convention}), IsInvalidField("batch_ema.momentum"))
          << momentum;
    }
  }
  EXPECT_THAT(Validate(BatchEma{0, kNewWeight}), IsInvalidField("batch_ema.momentum"));
  EXPECT_THAT(Validate(BatchEma{1, kOldWeight}), IsInvalidField("batch_ema.momentum"));
  EXPECT_THAT(Validate(BatchEma{1, kNewWeight}), IsOk());
  EXPECT_THAT(Validate(BatchEma{0, kOldWeight}), IsOk());
}

TEST(Estimator, TokenEmaNeedsAnAlphaAboveZeroUpToOne) {
  for (double alpha : {0.0, -0.1, 1.1, kNan, kInfinity}) {
    EXPECT_THAT(Validate(TokenEma{alpha}), IsInvalidField("token_ema.alpha")) << alpha;
  }
  EXPECT_THAT(Validate(TokenEma{1e-300}), IsOk());
  EXPECT_THAT(Validate(TokenEma{1}), IsOk());
}

TEST(Estimator, ConventionsWeighTheOtherSide) {
  EXPECT_EQ((BatchEma{0.1, kNewWeight}).new_weight(), 0.1);
  EXPECT_EQ((BatchEma{0.9, kOldWeight}).new_weight(), 1 - 0.9);
}

TEST(Estimator, OnlyTheseTakeSingleTokens) {
  EXPECT_TRUE(TakesSingleTokens(Cumulative{}));
  EXPECT_TRUE(TakesSingleTokens(TokenEma{}));
  EXPECT_FALSE(TakesSingleTokens(CumulativeBatch{}));
  EXPECT_FALSE(TakesSingleTokens(BatchEma{}));
}

}  // namespace
}  // namespace normd
