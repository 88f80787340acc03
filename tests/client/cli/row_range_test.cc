#include "client/cli/row_range.h"

#include <gtest/gtest.h>

namespace normd::cli {
namespace {

TEST(RowRangeTest, SelectsWholeRows) {
  const auto expect = [](const char* text, int64_t begin, int64_t end) {
    const auto range = ParseRowRange(text, 3);
    ASSERT_TRUE(range.ok()) << range.status();
    EXPECT_EQ(range->begin, begin) << text;
    EXPECT_EQ(range->end, end) << text;
  };
  expect("", 0, 3);
  expect("1:2", 1, 2);
  expect("1:", 1, 3);
  expect(":1", 0, 1);
  expect(":", 0, 3);
  expect("3:3", 3, 3);
}

TEST(RowRangeTest, WhatLiesOutsideIsRefused) {
  for (const char* text : {"0:4", "2:1", "-1:2", "1", "1:2:3", "a:b", "1:99999999999999999999"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(ParseRowRange(text, 3).status())) << text;
  }
}

}  // namespace
}  // namespace normd::cli
