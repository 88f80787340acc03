#include "server/observability/line_limit.h"

#include <gtest/gtest.h>

namespace normd::server {
namespace {

TEST(LineLimitTest, CountsWhatItLeavesOutAndBeginsAnew) {
  LineLimit limit(2, absl::Seconds(10));
  const absl::Time start = absl::UnixEpoch();
  int64_t left_out = -1;
  EXPECT_TRUE(limit.Allows(start, &left_out));
  EXPECT_EQ(left_out, 0);
  EXPECT_TRUE(limit.Allows(start + absl::Seconds(5), &left_out));
  EXPECT_FALSE(limit.Allows(start + absl::Seconds(6), &left_out));
  EXPECT_FALSE(limit.Allows(start + absl::Seconds(9), &left_out));
  EXPECT_EQ(left_out, 0);
  EXPECT_TRUE(limit.Allows(start + absl::Seconds(10), &left_out));
  EXPECT_EQ(left_out, 2);
  EXPECT_TRUE(limit.Allows(start + absl::Seconds(30), &left_out));
  EXPECT_EQ(left_out, 0);
}

}  // namespace
}  // namespace normd::server
