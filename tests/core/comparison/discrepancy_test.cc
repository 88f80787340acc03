#include "core/comparison/discrepancy.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/testing/random_values.h"

namespace normd {
namespace {

TEST(DiscrepancyTest, IsTheMeanOverChannels) {
  const size_t channels = 37;
  const auto mean_a = testing::RandomDoubles(channels, -3, 3, 1);
  const auto mean_b = testing::RandomDoubles(channels, -3, 3, 2);
  const auto variance_a = testing::RandomDoubles(channels, 0, 9, 3);
  const auto variance_b = testing::RandomDoubles(channels, 0.1, 9, 4);
  long double mean = 0;
  long double deviation = 0;
  for (size_t c = 0; c < channels; ++c) {
    const long double root = std::sqrt(static_cast<long double>(variance_b[c]));
    mean += std::fabs(static_cast<long double>(mean_a[c]) - mean_b[c]) / root / channels;
    deviation +=
        std::fabs(std::sqrt(static_cast<long double>(variance_a[c])) / root - 1) / channels;
  }
  const auto discrepancy = DiscrepancyOf(mean_a, variance_a, mean_b, variance_b);
  ASSERT_TRUE(discrepancy.has_value());
  EXPECT_NEAR(discrepancy->mean, static_cast<double>(mean), 1e-14);
  EXPECT_NEAR(discrepancy->deviation, static_cast<double>(deviation), 1e-14);
}

TEST(DiscrepancyTest, LeavesOutChannelsWithoutDeviation) {
  const auto discrepancy = DiscrepancyOf({5, 1}, {1, 9}, {0, 0}, {0, 4});
  ASSERT_TRUE(discrepancy.has_value());
  EXPECT_EQ(discrepancy->mean, 0.5);
  EXPECT_EQ(discrepancy->deviation, 0.5);
  EXPECT_FALSE(DiscrepancyOf({5, 1}, {1, 9}, {0, 0}, {0, 0}).has_value());
}

}  // namespace
}  // namespace normd
