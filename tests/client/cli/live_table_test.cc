#include "client/cli/live_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace normd::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::CompareResult Result(double gap, double mean, double floor) {
  v1::CompareResult result;
  v1::Measurements* batch_norm = result.add_methods()->mutable_measurements();
  batch_norm->set_output_gap(gap);
  batch_norm->set_mean_discrepancy(mean);
  batch_norm->set_mean_noise_floor(floor);
  result.add_methods()->mutable_measurements()->set_output_gap(0);
  return result;
}

TEST(LiveTableTest, ShowsThisChunkAndAllSoFar) {
  LiveTable table({"batch_norm", "layer_norm"});
  table.Add(Result(0.5, 0.3, 0.1));
  table.Add(Result(0.1, 0.1, 0.1));
  EXPECT_THAT(table.text(), HasSubstr("after 2 chunks"));
  EXPECT_THAT(table.text(), HasSubstr("10 %                 0 %\n"));
  EXPECT_THAT(table.text(), HasSubstr("30 %                 0 %\n"));
  EXPECT_THAT(table.text(), HasSubstr("2.00 x                   -\n"));
}

TEST(LiveTableTest, WhatIsAbsentIsADash) {
  LiveTable table({"batch_norm"});
  v1::CompareResult nothing;
  nothing.add_methods();
  table.Add(nothing);
  EXPECT_THAT(table.text(),
              HasSubstr("output gap, this chunk                                     -"));
  EXPECT_THAT(table.text(), Not(HasSubstr("%")));
}

}  // namespace
}  // namespace normd::cli
