// A comparison that nobody waits for any more.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/core/comparison/compared_stream.h"
#include "tests/testing/compared_methods.h"
#include "tests/testing/random_values.h"

namespace normd {
namespace {

using testing::BatchNormSpec;
using testing::ComparedStream;
using testing::LayerNormSpec;

constexpr int64_t kTokens = 3000;

ComparedStream Stream() {
  ComparedStream stream({BatchNormSpec(), LayerNormSpec()}, {2, 4}, {.batch_sizes = {1, 8, 64}});
  stream.Feed(testing::RandomFloats(kTokens * 4), 50);
  return stream;
}

// How often it asks in all.
int AsksOfAll() {
  int asks = 0;
  EXPECT_TRUE(Stream()
                  .comparison()
                  .Finish([&asks] {
                    ++asks;
                    return false;
                  })
                  .has_value());
  return asks;
}

TEST(AbandonedComparisonTest, ItAsksAtLeastOnceForEvery256TokensOfEachCell) {
  // Three sizes, trained and inferred in three orders, and inferred in that of arrival.
  EXPECT_GT(AsksOfAll(), 3 * (3 * 2 + 1) * (kTokens / 256 - 1));
}

// Whenever the answer is yes, it does not ask again: nothing more is done but to leave.
TEST(AbandonedComparisonTest, ItEndsAtTheFirstYes) {
  const int all = AsksOfAll();
  for (int yes = 1; yes <= all; yes += std::max(1, yes / 4)) {
    int asks = 0;
    const auto report = Stream().comparison().Finish([&] { return ++asks >= yes; });
    EXPECT_FALSE(report.has_value()) << yes;
    EXPECT_EQ(asks, yes);
  }
}

}  // namespace
}  // namespace normd
