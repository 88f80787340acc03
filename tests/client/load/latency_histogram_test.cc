#include "client/load/latency_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace normd::client {
namespace {

// From nanoseconds to minutes, as many of each order of magnitude.
std::vector<int64_t> Latencies(int count) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> exponent(0, 11);
  std::vector<int64_t> latencies(count);
  for (int64_t& latency : latencies) {
    latency = static_cast<int64_t>(std::pow(10, exponent(random)));
  }
  return latencies;
}

TEST(LatencyHistogramTest, QuantilesAreThoseOfTheValuesRoundedUp) {
  std::vector<int64_t> latencies = Latencies(10'000);
  LatencyHistogram histogram;
  for (const int64_t latency : latencies) histogram.Record(latency);
  std::sort(latencies.begin(), latencies.end());
  EXPECT_EQ(histogram.count(), 10'000);
  EXPECT_EQ(histogram.max(), latencies.back());
  EXPECT_EQ(histogram.Quantile(1), latencies.back());
  for (const double quantile : {0.0001, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999}) {
    const int64_t exact = latencies[static_cast<size_t>(std::ceil(quantile * 10'000)) - 1];
    const int64_t told = histogram.Quantile(quantile);
    EXPECT_GE(told, exact) << quantile;
    EXPECT_LE(static_cast<double>(told), static_cast<double>(exact) * (1 + 1.0 / 128)) << quantile;
  }
}

TEST(LatencyHistogramTest, SmallOnesAreExact) {
  LatencyHistogram histogram;
  for (int64_t latency = 0; latency < 256; ++latency) histogram.Record(latency);
  for (int64_t i = 0; i < 256; ++i) {
    EXPECT_EQ(histogram.Quantile(static_cast<double>(i + 1) / 256), i);
  }
}

TEST(LatencyHistogramTest, MergingIsRecordingAll) {
  LatencyHistogram all;
  LatencyHistogram parts[3];
  const std::vector<int64_t> latencies = Latencies(3000);
  for (size_t i = 0; i < latencies.size(); ++i) {
    all.Record(latencies[i]);
    parts[i % 3].Record(latencies[i]);
  }
  LatencyHistogram merged;
  for (const LatencyHistogram& part : parts) merged.Merge(part);
  EXPECT_EQ(merged.count(), all.count());
  EXPECT_EQ(merged.max(), all.max());
  for (double quantile = 0; quantile <= 1; quantile += 0.001) {
    EXPECT_EQ(merged.Quantile(quantile), all.Quantile(quantile));
  }
}

TEST(LatencyHistogramTest, TheEndsOfTheScale) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.Quantile(0.5), 0);
  EXPECT_EQ(histogram.max(), 0);
  histogram.Record(-5);
  EXPECT_EQ(histogram.Quantile(1), 0);
  histogram.Record(std::numeric_limits<int64_t>::max());
  EXPECT_EQ(histogram.Quantile(1), std::numeric_limits<int64_t>::max());
}

}  // namespace
}  // namespace normd::client
