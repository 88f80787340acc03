#include "server/observability/metrics.h"

#include <gtest/gtest.h>

#include "tests/testing/scrape.h"

namespace normd::server {
namespace {

using testing::ParseMetrics;

TEST(MetricsTest, CallbacksAreAskedAtEachScrape) {
  Metrics metrics;
  double value = 1;
  metrics.AddGauge("size", "A size.", {{"limit", "streams"}}, [&value] { return value; });
  metrics.AddGauge("size", "A size.", {{"limit", "sessions"}}, [] { return 7; });
  metrics.AddCounter("events_total", "Events.", {}, [&value] { return 10 * value; });
  auto samples = ParseMetrics(metrics.Serialize());
  EXPECT_EQ(samples["size{limit=\"streams\"}"], 1);
  EXPECT_EQ(samples["size{limit=\"sessions\"}"], 7);
  EXPECT_EQ(samples["events_total"], 10);
  value = 2.5;
  samples = ParseMetrics(metrics.Serialize());
  EXPECT_EQ(samples["size{limit=\"streams\"}"], 2.5);
  EXPECT_EQ(samples["events_total"], 25);
}

TEST(MetricsTest, ACounterIsOneForItsLabels) {
  Metrics metrics;
  prometheus::Counter& counter = metrics.Counter("calls_total", "Calls.", {{"method", "a"}});
  counter.Increment();
  metrics.Counter("calls_total", "Calls.", {{"method", "a"}}).Increment(2);
  metrics.Counter("calls_total", "Calls.", {{"method", "b"}});
  EXPECT_EQ(&counter, &metrics.Counter("calls_total", "Calls.", {{"method", "a"}}));
  auto samples = ParseMetrics(metrics.Serialize());
  EXPECT_EQ(samples.size(), 2);
  EXPECT_EQ(samples["calls_total{method=\"a\"}"], 3);
  EXPECT_TRUE(samples.contains("calls_total{method=\"b\"}"));
}

// Counters are doubles: they must count in steps of one for as long as a server lives.
TEST(MetricsTest, CountsAreExact) {
  Metrics metrics;
  prometheus::Counter& counter = metrics.Counter("tokens_total", "Tokens.", {});
  counter.Increment(9007199254740990.0);
  counter.Increment();
  EXPECT_EQ(ParseMetrics(metrics.Serialize())["tokens_total"], 9007199254740991.0);
}

TEST(MetricsTest, HistogramsHaveTheirBounds) {
  Metrics metrics;
  prometheus::Histogram& delay = metrics.Histogram("delay_seconds", "Delay.", {}, {.1, 1});
  for (const double seconds : {.05, .1, .5, 3.0}) delay.Observe(seconds);
  auto samples = ParseMetrics(metrics.Serialize());
  EXPECT_EQ(samples["delay_seconds_bucket{le=\"0.1\"}"], 2);
  EXPECT_EQ(samples["delay_seconds_bucket{le=\"1\"}"], 3);
  EXPECT_EQ(samples["delay_seconds_bucket{le=\"+Inf\"}"], 4);
  EXPECT_EQ(samples["delay_seconds_count"], 4);
  EXPECT_DOUBLE_EQ(samples["delay_seconds_sum"], 3.65);
}

}  // namespace
}  // namespace normd::server
