// PER_ROW: how a stream is cut into chunks shows neither in its outputs nor in the statistics.
#include <gtest/gtest.h>

#include <cmath>
#include <ostream>
#include <string>

#include "core/session/session.h"
#include "tests/core/session/session_driver.h"
#include "tests/testing/random_values.h"
#include "tests/testing/same_statistics.h"

namespace normd {
namespace {

using testing::ConfigOf;
using testing::FakeClock;
using testing::kInference;
using testing::kOrders;
using testing::RandomFloats;
using testing::RandomPartition;
using testing::SameBits;
using testing::SameStatistics;
using testing::SessionDriver;

constexpr int64_t kRows = 100;

struct Case {
  std::string name;
  Estimator estimator;
  Shape row_shape;
  int channel_axis;
  int64_t channels;
};

void PrintTo(const Case& value, std::ostream* out) { *out << value.name; }

std::vector<Case> Cases() {
  std::vector<Case> cases;
  for (const auto& [name, estimator] : {std::pair("Cumulative", Estimator(Cumulative{})),
                                        std::pair("TokenEma", Estimator(TokenEma{0.05}))}) {
    const std::string of = name;
    cases.push_back({of + "OfTokens", estimator, {37}, 1, 37});
    cases.push_back({of + "OfSequences", estimator, {4, 19}, -1, 19});
    cases.push_back({of + "OfImages", estimator, {3, 5, 7}, 1, 3});
    cases.push_back({of + "OfImagesWithChannelsLast", estimator, {5, 7, 3}, -1, 3});
  }
  return cases;
}

class SessionChunking : public ::testing::TestWithParam<Case> {
 protected:
  SessionDriver MakeDriver() {
    const auto& [name, estimator, row_shape, channel_axis, channels] = GetParam();
    SessionConfig config = ConfigOf(estimator, channels);
    config.spec.channel_axis = channel_axis;
    config.spec.gamma = AffineParameter{{channels}, testing::RandomDoubles(channels, -2, 2, 1)};
    config.spec.beta = AffineParameter{{channels}, testing::RandomDoubles(channels, -2, 2, 2)};
    return SessionDriver(config, row_shape, clock_);
  }
  std::vector<float> Stream() {
    return RandomFloats(kRows * MakeDriver().normalizer().row_size(), 3, 10);
  }

  FakeClock clock_;
};

INSTANTIATE_TEST_SUITE_P(, SessionChunking, ::testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

TEST_P(SessionChunking, ShowsInNoBitPerRow) {
  const std::vector<float> x = Stream();
  for (UpdateOrder order : kOrders) {
    const StreamingPolicy policy = testing::Streaming(order, UpdateGranularity::kPerRow);
    const SessionDriver whole = MakeDriver();
    const std::vector<float> expected = whole.ApplyInChunks(policy, x, {kRows});
    for (int64_t largest : {1, 2, 7, 90}) {
      for (int seed = 1; seed <= 3; ++seed) {
        SCOPED_TRACE(::testing::Message() << "chunks up to " << largest << ", seed " << seed);
        const SessionDriver cut = MakeDriver();
        const auto chunks = RandomPartition(kRows, largest, seed);
        EXPECT_TRUE(SameBits(cut.ApplyInChunks(policy, x, chunks), expected));
        EXPECT_TRUE(SameStatistics(cut.Statistics(), whole.Statistics()));
        EXPECT_EQ(cut.Snapshot().version, chunks.size());
      }
    }
  }
}

// Chunks of one row are the same PER_CHUNK and PER_ROW.
TEST_P(SessionChunking, OfSingleRowsIsPerChunkWhatItIsPerRow) {
  const std::vector<float> x = Stream();
  for (UpdateOrder order : kOrders) {
    const SessionDriver by_row = MakeDriver(), by_chunk = MakeDriver();
    const std::vector<int64_t> single_rows(kRows, 1);
    const auto expected =
        by_row.ApplyInChunks(testing::Streaming(order, UpdateGranularity::kPerRow), x, single_rows);
    const auto y = by_chunk.ApplyInChunks(testing::Streaming(order, UpdateGranularity::kPerChunk),
                                          x, single_rows);
    EXPECT_TRUE(SameBits(y, expected));
    EXPECT_TRUE(SameStatistics(by_chunk.Statistics(), by_row.Statistics()));
  }
}

TEST_P(SessionChunking, MayShowInOutputsPerChunk) {
  const std::vector<float> x = Stream();
  const SessionDriver whole = MakeDriver(), halves = MakeDriver();
  const auto expected = whole.ApplyInChunks(testing::kPerChunk, x, {kRows});
  const auto y = halves.ApplyInChunks(testing::kPerChunk, x, {kRows / 2, kRows / 2});
  EXPECT_FALSE(SameBits(y, expected));
  for (int64_t c = 0; c < GetParam().channels; ++c) {
    const double deviation = std::sqrt(whole.Statistics().variance[c]);
    EXPECT_NEAR(halves.Statistics().mean[c], whole.Statistics().mean[c], 1e-12 * deviation);
    EXPECT_NEAR(halves.Statistics().variance[c], whole.Statistics().variance[c],
                1e-12 * deviation * deviation);
  }
}

TEST_P(SessionChunking, ShowsInNoBitOfInference) {
  const std::vector<float> x = Stream();
  const SessionDriver driver = MakeDriver();
  driver.ApplyInChunks(testing::kPerRow, x, {kRows});
  const auto expected = driver.ApplyInChunks(kInference, x, {kRows});
  EXPECT_TRUE(
      SameBits(driver.ApplyInChunks(kInference, x, RandomPartition(kRows, 9, 1)), expected));
}

}  // namespace
}  // namespace normd
