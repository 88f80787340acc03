#include "core/method/method.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace normd {
namespace {

using ::testing::ElementsAre;

TEST(Methods, StandInTheOrderOfTheirNames) {
  std::vector<std::string> names;
  for (const MethodTraits& traits : Methods()) names.emplace_back(traits.name);
  EXPECT_THAT(names, ElementsAre("batch_norm", "dynamic_tanh", "group_norm", "instance_norm",
                                 "layer_norm", "lp_norm", "min_max", "rms_norm", "row_min_max",
                                 "row_standardization", "scale_norm", "standardization"));
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
}

TEST(Methods, AreFoundByMethod) {
  for (const MethodTraits& traits : Methods()) EXPECT_EQ(&TraitsOf(traits.method), &traits);
  EXPECT_EQ(TraitsOf(Method::kBatchNorm).name, "batch_norm");
  EXPECT_EQ(TraitsOf(Method::kLayerNorm).name, "layer_norm");
  EXPECT_EQ(TraitsOf(Method::kRmsNorm).name, "rms_norm");
}

TEST(Methods, SayWhatTheyAreInWords) {
  for (const MethodTraits& traits : Methods()) {
    for (absl::string_view words :
         {traits.title, traits.shared_over_words, traits.formula, traits.typical_use}) {
      EXPECT_FALSE(words.empty()) << std::string(traits.name);
    }
  }
}

// Who shares statistics over rows depends on the batch, and that is what running statistics and a
// difference between training and inference come from.
TEST(Methods, DependOnTheBatchWhereStatisticsLieAcrossRows) {
  for (const MethodTraits& traits : Methods()) {
    const bool across_rows = traits.shared_over == SharedOver::kChannel;
    EXPECT_EQ(traits.depends_on_batch, across_rows) << std::string(traits.name);
    EXPECT_EQ(traits.keeps_running_statistics, across_rows) << std::string(traits.name);
    EXPECT_EQ(traits.same_in_training_and_inference, !across_rows) << std::string(traits.name);
  }
}

TEST(Methods, HaveAnEpsilonUnlessTheyDivideByNothingThatCouldBeSmall) {
  for (const MethodTraits& traits : Methods()) {
    const bool divides_by_deviation = traits.statistic != kernels::RowStatistic::kNone &&
                                      traits.statistic != kernels::RowStatistic::kExtremes;
    EXPECT_EQ(traits.epsilon.has_value(), divides_by_deviation) << std::string(traits.name);
  }
}

}  // namespace
}  // namespace normd
