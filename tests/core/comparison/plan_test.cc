#include "core/comparison/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "tests/testing/error_matchers.h"
#include "tests/testing/non_finite.h"

namespace normd {
namespace {

using ::testing::ElementsAre;
using testing::IsInvalidField;
using testing::IsOk;

TEST(PlanTest, WritesOutDefaults) {
  ComparisonPlan plan;
  ASSERT_THAT(Complete(plan), IsOk());
  EXPECT_THAT(plan.batch_sizes, ElementsAre(0, 1, 2, 4, 8, 32, 128, 4096));
  EXPECT_THAT(plan.orders, ElementsAre(BatchOrder::kArrival, BatchOrder::kShuffled,
                                       BatchOrder::kBySequence, BatchOrder::kByPosition));
  EXPECT_EQ(plan.sample_bytes, 32 << 20);
  EXPECT_EQ(plan.thresholds.largest_gap, 0.25);
}

TEST(PlanTest, KeepsWhatIsGiven) {
  ComparisonPlan plan{
      .batch_sizes = {64, 1 << 16}, .orders = {BatchOrder::kShuffled}, .batch_size_in_use = 64};
  ASSERT_THAT(Complete(plan), IsOk());
  EXPECT_THAT(plan.batch_sizes, ElementsAre(64, 1 << 16));
  EXPECT_THAT(plan.orders, ElementsAre(BatchOrder::kShuffled));
}

TEST(PlanTest, HasTheBatchSizeInUseAmongTheSizes) {
  ComparisonPlan plan{.batch_sizes = {2}, .batch_size_in_use = 64};
  ASSERT_THAT(Complete(plan), IsOk());
  EXPECT_THAT(plan.batch_sizes, ElementsAre(2, 64));
  ComparisonPlan as_they_come{.batch_sizes = {2}};
  ASSERT_THAT(Complete(as_they_come), IsOk());
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
  EXPECT_THAT(Complete(plan), IsOk());
  plan = WithSizes(17);
  EXPECT_THAT(Complete(plan), IsInvalidField("batch_sizes"));
  plan = WithSizes(2);
  plan.batch_sizes[1] = 1;
  EXPECT_THAT(Complete(plan), IsInvalidField("batch_sizes"));
}

TEST(PlanTest, SizesOutOfRangeAreInvalid) {
  for (const int64_t size : {int64_t{-1}, ComparisonPlan::kLargestBatch + 1}) {
    ComparisonPlan plan{.batch_sizes = {size}};
    EXPECT_THAT(Complete(plan), IsInvalidField("batch_sizes")) << size;
  }
  for (const int64_t size : {int64_t{-1}, int64_t{0}, ComparisonPlan::kLargestBatch + 1}) {
    ComparisonPlan plan{.batch_size_in_use = size};
    EXPECT_THAT(Complete(plan), IsInvalidField("batch_size_in_use")) << size;
  }
  for (const int64_t bytes : {-1, 0}) {
    ComparisonPlan plan{.sample_bytes = bytes};
    EXPECT_THAT(Complete(plan), IsInvalidField("sample_bytes")) << bytes;
  }
}

TEST(PlanTest, OrdersThatAreThereTwiceAreInvalid) {
  ComparisonPlan plan{
      .orders = {BatchOrder::kArrival, BatchOrder::kShuffled, BatchOrder::kArrival}};
  EXPECT_THAT(Complete(plan), IsInvalidField("orders"));
}

TEST(PlanTest, ThresholdsMustBeAboveZero) {
  for (const double value : {0.0, -1.0, testing::kNan}) {
    ComparisonPlan gap{.thresholds = {.largest_gap = value}};
    EXPECT_THAT(Complete(gap), IsInvalidField("thresholds.largest_gap"));
    ComparisonPlan ratio{.thresholds = {.largest_ratio = value}};
    EXPECT_THAT(Complete(ratio), IsInvalidField("thresholds.largest_ratio"));
    ComparisonPlan drift{.thresholds = {.largest_drift = value}};
    EXPECT_THAT(Complete(drift), IsInvalidField("thresholds.largest_drift"));
    ComparisonPlan interval{.thresholds = {.widest_interval = value}};
    EXPECT_THAT(Complete(interval), IsInvalidField("thresholds.widest_interval"));
  }
}

}  // namespace
}  // namespace normd
