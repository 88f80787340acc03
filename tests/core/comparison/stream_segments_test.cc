#include "core/comparison/stream_segments.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/testing/random_values.h"
#include "tests/testing/token_values.h"

namespace normd {
namespace {

using testing::TokensOf;

TEST(StreamSegmentsTest, AreOfEqualLengthButForTheLast) {
  const auto values = testing::RandomFloats(5000);
  for (int64_t count = 1; count <= 5000; count += count < 300 ? 1 : 97) {
    StreamSegments stream(1);
    stream.Add(TokensOf(values, 1).Slice(0, count));
    const std::vector<Moments>& segments = stream.segments();
    if (count <= 64) {
      ASSERT_EQ(segments.size(), count);
    } else {
      ASSERT_GT(segments.size(), 32) << count;
      ASSERT_LE(segments.size(), 64) << count;
    }
    double tokens = 0;
    for (const Moments& segment : segments) {
      tokens += segment.count;
      if (&segment != &segments.back()) {
        ASSERT_EQ(segment.count, segments.front().count);
      }
    }
    ASSERT_GT(segments.back().count, 0);
    ASSERT_LE(segments.back().count, segments.front().count);
    ASSERT_EQ(tokens, count);
  }
}

TEST(StreamSegmentsTest, HaveTheirTokensMoments) {
  constexpr int64_t kChannels = 3;
  const auto values = testing::RandomFloats(kChannels * 1000);
  const Tokens tokens = TokensOf(values, kChannels);
  for (int seed = 1; seed <= 5; ++seed) {
    StreamSegments stream(kChannels);
    int64_t begin = 0;
    for (const int64_t size : testing::RandomPartition(tokens.count, 90, seed)) {
      stream.Add(tokens.Slice(begin, size));
      begin += size;
    }
    ASSERT_EQ(stream.segments().size(), 63);  // of 16
    const auto expect_same = [&](const Moments& actual, const Moments& expected) {
      EXPECT_EQ(actual.count, expected.count);
      for (int64_t c = 0; c < kChannels; ++c) {
        EXPECT_NEAR(actual.mean[c], expected.mean[c], 1e-12 * 100);
        EXPECT_NEAR(actual.m2[c], expected.m2[c], 1e-12 * expected.m2[c]);
      }
    };
    for (int64_t i = 0; i < 62; ++i) {
      expect_same(stream.segments()[i], testing::MomentsOf(tokens.Slice(16 * i, 16)));
    }
    expect_same(stream.segments()[62], testing::MomentsOf(tokens.Slice(992, 8)));
    expect_same(stream.Merged(10, 20), testing::MomentsOf(tokens.Slice(160, 160)));
    expect_same(stream.All(), testing::MomentsOf(tokens));
  }
}

TEST(StreamSegmentsTest, NothingIsNoSegment) {
  StreamSegments stream(2);
  stream.Add({});
  EXPECT_TRUE(stream.segments().empty());
  EXPECT_EQ(stream.All().count, 0);
}

}  // namespace
}  // namespace normd
