#include "core/comparison/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <string>

#include "tests/testing/error_matchers.h"
#include "tests/testing/non_finite.h"

namespace normd {
namespace {

using ::testing::ElementsAre;
using testing::IsInvalidField;
using testing::IsOk;

TEST(PlanTest, WritesOutDefaults) {
  ComparisonPlan plan;
  ASSERT_THAT(Complete(plan, 2, 8), IsOk());
  EXPECT_THAT(plan.batch_sizes, ElementsAre(0, 1, 2, 4, 8, 32, 128, 4096));
  EXPECT_THAT(plan.orders, ElementsAre(BatchOrder::kArrival, BatchOrder::kShuffled,
                                       BatchOrder::kBySequence, BatchOrder::kByPosition));
  EXPECT_EQ(plan.sample_bytes, 32 << 20);
  EXPECT_EQ(plan.thresholds.largest_gap, 0.25);
}

// So that tokens of any width are compared without a word of the plan.
TEST(PlanTest, TakesLargeBatchesOfWideTokensWhereAsked) {
  ComparisonPlan plan;
  ASSERT_THAT(Complete(plan, 2, 2048), IsOk());
  EXPECT_THAT(plan.batch_sizes, ElementsAre(0, 1, 2, 4, 8, 32, 128, 4096));
  ComparisonPlan wide;
  ASSERT_THAT(Complete(wide, 2, 2049), IsOk());
  EXPECT_THAT(wide.batch_sizes, ElementsAre(0, 1, 2, 4, 8, 32, 128));
  ComparisonPlan asked{.batch_sizes = {0, 4096}};
  ASSERT_THAT(Complete(asked, 2, 8192), IsOk());
  EXPECT_THAT(asked.batch_sizes, ElementsAre(0, 4096));
}

TEST(PlanTest, KeepsWhatIsGiven) {
  ComparisonPlan plan{
      .batch_sizes = {64, 1 << 16}, .orders = {BatchOrder::kShuffled}, .batch_size_in_use = 64};
  ASSERT_THAT(Complete(plan, 2, 8), IsOk());
  EXPECT_THAT(plan.batch_sizes, ElementsAre(64, 1 << 16));
  EXPECT_THAT(plan.orders, ElementsAre(BatchOrder::kShuffled));
}

TEST(PlanTest, HasTheBatchSizeInUseAmongTheSizes) {
  ComparisonPlan plan{.batch_sizes = {2}, .batch_size_in_use = 64};
  ASSERT_THAT(Complete(plan, 2, 8), IsOk());
  EXPECT_THAT(plan.batch_sizes, ElementsAre(2, 64));
  ComparisonPlan as_they_come{.batch_sizes = {2}};
  ASSERT_THAT(Complete(as_they_come, 2, 8), IsOk());
  EXPECT_THAT(as_they_come.batch_sizes, ElementsAre(2, 0));
}

// So many sizes from 1 on.
ComparisonPlan WithSizes(size_t count) {
  ComparisonPlan plan{.batch_size_in_use = 1};
  plan.batch_sizes.resize(count);
  std::iota(plan.batch_sizes.begin(), plan.batch_sizes.end(), 1);
  return plan;
}

TEST(PlanTest, TakesSixteenSizesOnceEach) {
  ComparisonPlan plan = WithSizes(16);
  EXPECT_THAT(Complete(plan, 2, 8), IsOk());
  plan = WithSizes(17);
  EXPECT_THAT(Complete(plan, 2, 8), IsInvalidField("batch_sizes"));
  plan = WithSizes(2);
  plan.batch_sizes[1] = 1;
  EXPECT_THAT(Complete(plan, 2, 8), IsInvalidField("batch_sizes"));
}

TEST(PlanTest, SizesOutOfRangeAreInvalid) {
  for (const int64_t size : {int64_t{-1}, ComparisonPlan::kLargestBatch + 1}) {
    ComparisonPlan plan{.batch_sizes = {size}};
    EXPECT_THAT(Complete(plan, 2, 8), IsInvalidField("batch_sizes")) << size;
  }
  for (const int64_t size : {int64_t{-1}, int64_t{0}, ComparisonPlan::kLargestBatch + 1}) {
    ComparisonPlan plan{.batch_size_in_use = size};
    EXPECT_THAT(Complete(plan, 2, 8), IsInvalidField("batch_size_in_use")) << size;
  }
  for (const int64_t bytes : {-1, 0}) {
    ComparisonPlan plan{.sample_bytes = bytes};
    EXPECT_THAT(Complete(plan, 2, 8), IsInvalidField("sample_bytes")) << bytes;
  }
}

TEST(PlanTest, OrdersThatAreThereTwiceAreInvalid) {
  ComparisonPlan plan{
      .orders = {BatchOrder::kArrival, BatchOrder::kShuffled, BatchOrder::kArrival}};
  EXPECT_THAT(Complete(plan, 2, 8), IsInvalidField("orders"));
}

TEST(PlanTest, TheDefaultWithASizeInUseIsForAllMethods) {
  ComparisonPlan plan{.batch_size_in_use = 64};
  EXPECT_THAT(Complete(plan, 16, 8), IsOk());
  ComparisonPlan larger{.batch_sizes = {0, 1, 2, 4, 8, 16, 32, 128, 4096}, .batch_size_in_use = 64};
  EXPECT_THAT(Complete(larger, 14, 8), IsOk());
  EXPECT_THAT(Complete(larger, 16, 8), IsInvalidField("batch_sizes"));
}

TEST(PlanTest, TooManyCellsNameTheLimitAndWhatTheyConsistOf) {
  ComparisonPlan plan = WithSizes(16);
  plan.batch_size_in_use = 99;
  const absl::Status status = Complete(plan, 9, 8);
  EXPECT_THAT(status, IsInvalidField("batch_sizes"));
  for (const char* part : {"17 sizes", "4 orders", "9 methods", "765 cells", "at most 720"}) {
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(part));
  }
  plan = WithSizes(16);
  plan.orders = {BatchOrder::kShuffled};  // and that of arrival, which is always measured
  EXPECT_THAT(Complete(plan, 15, 8), IsOk());
  EXPECT_THAT(Complete(plan, 16, 8), IsInvalidField("batch_sizes"));
}

TEST(PlanTest, ThresholdsMustBeAboveZero) {
  for (const double value : {0.0, -1.0, testing::kNan}) {
    ComparisonPlan gap{.thresholds = {.largest_gap = value}};
    EXPECT_THAT(Complete(gap, 2, 8), IsInvalidField("thresholds.largest_gap"));
    ComparisonPlan ratio{.thresholds = {.largest_ratio = value}};
    EXPECT_THAT(Complete(ratio, 2, 8), IsInvalidField("thresholds.largest_ratio"));
    ComparisonPlan drift{.thresholds = {.largest_drift = value}};
    EXPECT_THAT(Complete(drift, 2, 8), IsInvalidField("thresholds.largest_drift"));
    ComparisonPlan interval{.thresholds = {.widest_interval = value}};
    EXPECT_THAT(Complete(interval, 2, 8), IsInvalidField("thresholds.widest_interval"));
  }
}

}  // namespace
}  // namespace normd
