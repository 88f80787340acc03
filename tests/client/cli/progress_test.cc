#include "client/cli/progress.h"

#include <gtest/gtest.h>

namespace normd::cli {
namespace {

TEST(ProgressTest, TellsShareRateAndTimeLeft) {
  EXPECT_EQ(ProgressLine(0, 100, absl::Seconds(1)),
            "[------------------------]   0 %  0 rows/s  0:00 left");
  EXPECT_EQ(ProgressLine(1'200'000, 2'400'000, absl::Seconds(1)),
            "[############------------]  50 %  1.2 M rows/s  0:01 left");
  EXPECT_EQ(ProgressLine(870, 87'000, absl::Seconds(1)),
            "[------------------------]   1 %  870 rows/s  1:39 left");
  EXPECT_EQ(ProgressLine(64'000, 64'000, absl::Seconds(2)),
            "[########################] 100 %  32 k rows/s  0:00 left");
}

TEST(ProgressTest, OfUnknownRowsItTellsHowManyCameAndTheirRate) {
  EXPECT_EQ(ProgressLine(3'400'000, std::nullopt, absl::Seconds(2)), "3.4 M rows  1.7 M rows/s");
  EXPECT_EQ(ProgressLine(3, std::nullopt, absl::Seconds(1)), "3 rows  3 rows/s");
}

TEST(ProgressTest, RatesDoNotSpillOverTheirUnit) {
  EXPECT_NE(ProgressLine(999'600, 999'600, absl::Seconds(1)).find("1.0 M rows/s"),
            std::string::npos);
}

TEST(ProgressTest, NothingIsDone) {
  EXPECT_EQ(ProgressLine(0, 0, absl::Seconds(1)),
            "[########################] 100 %  0 rows/s  0:00 left");
}

}  // namespace
}  // namespace normd::cli
