#include "client/cli/row_range.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace normd::cli {
namespace {

using ::testing::ElementsAre;

TEST(RowRangeTest, SelectsWholeRows) {
  const std::vector<float> values = {0, 1, 2, 3, 4, 5};
  const auto select = [&](const char* text) {
    const auto range = ParseRowRange(text, {3, 2});
    EXPECT_TRUE(range.ok()) << range.status();
    const auto rows = range->Select(values);
    return std::vector<float>(rows.begin(), rows.end());
  };
  EXPECT_THAT(select(""), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(select("1:2"), ElementsAre(2, 3));
  EXPECT_THAT(select("1:"), ElementsAre(2, 3, 4, 5));
  EXPECT_THAT(select(":1"), ElementsAre(0, 1));
  EXPECT_THAT(select(":"), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(select("3:3"), ElementsAre());
}

TEST(RowRangeTest, WhatLiesOutsideIsRefused) {
  for (const char* text : {"0:4", "2:1", "-1:2", "1", "1:2:3", "a:b", "1:99999999999999999999"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseRowRange(text, {3, 2}).status())) << text;
  }
  EXPECT_TRUE(absl::IsInvalidArgument(ParseRowRange("", {}).status()));
}

}  // namespace
}  // namespace normd::cli
