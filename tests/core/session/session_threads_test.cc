// One session under many threads at once.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <latch>
#include <thread>

#include "core/session/session.h"
#include "tests/core/session/session_driver.h"
#include "tests/testing/error_matchers.h"
#include "tests/testing/random_values.h"
#include "tests/testing/reference.h"

namespace normd {
namespace {

using testing::ConfigOf;
using testing::FakeClock;
using testing::IsOk;
using testing::kInference;
using testing::kPerChunk;
using testing::kPerRow;
using testing::kTraining;
using testing::RandomFloats;
using testing::SessionDriver;

constexpr int kWriters = 4;
constexpr int kChunks = 1000;

// body(thread) on so many threads, which start together.
template <class Body>
void OnThreads(int count, const Body& body) {
  std::latch start(count);
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      start.arrive_and_wait();
      body(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(SessionThreads, LoseNoValueAndAgreeWithThePooledMoments) {
  constexpr int64_t kChannels = 3;
  constexpr int64_t kRows = 5;
  constexpr int64_t kChunkSize = kChannels * kRows;
  const auto x = RandomFloats(kWriters * kChunks * kChunkSize, 3, 10);
  const auto expected =
      testing::ReferenceChannelStatistics(x.data(), {kWriters * kChunks * kRows, kChannels, 1});
  for (const StreamingPolicy& policy : {kTraining, kPerRow, kPerChunk}) {
    FakeClock clock;
    const SessionDriver driver(ConfigOf(Cumulative{}, kChannels), clock);
    OnThreads(kWriters, [&](int writer) {
      uint64_t last = 0;
      for (int chunk = 0; chunk < kChunks; ++chunk) {
        const auto begin = x.begin() + (writer * kChunks + chunk) * kChunkSize;
        const auto applied = driver.Apply(policy, {begin, begin + kChunkSize});
        ASSERT_THAT(applied, IsOk());
        EXPECT_GT(applied->version, last);
        last = applied->version;
      }
    });
    const SessionSnapshot snapshot = driver.Snapshot();
    EXPECT_EQ(snapshot.version, kWriters * kChunks);
    EXPECT_EQ(snapshot.statistics.count, kWriters * kChunks * kRows);
    EXPECT_EQ(snapshot.statistics.batches, kWriters * kChunks *
                                               (policy.granularity == UpdateGranularity::kPerRow &&
                                                        policy.mode == BatchNormMode::kStreaming
                                                    ? kRows
                                                    : 1));
    for (int c = 0; c < kChannels; ++c) {
      const double variance = static_cast<double>(expected.variance[c]);
      EXPECT_NEAR(snapshot.statistics.mean[c], static_cast<double>(expected.mean[c]),
                  1e-12 * std::sqrt(variance));
      EXPECT_NEAR(snapshot.statistics.variance[c], variance, 1e-12 * variance);
    }
  }
}

// Each chunk holds the values 0 and 2, so that after any number of them the mean is 1 and the
// variance 1 exactly: what is half old and half new shows.
TEST(SessionThreads, ReadersSeeOneVersionAtATime) {
  constexpr int64_t kChannels = 64;
  std::vector<float> chunk(2 * kChannels, 0);
  std::fill(chunk.begin() + kChannels, chunk.end(), 2.0f);
  FakeClock clock;
  const SessionDriver driver(ConfigOf(Cumulative{}, kChannels), clock);
  std::atomic<int> writing = kWriters;
  OnThreads(kWriters + 2, [&](int thread) {
    if (thread < kWriters) {
      for (int i = 0; i < kChunks; ++i) ASSERT_THAT(driver.Apply(kPerChunk, chunk), IsOk());
      --writing;
      return;
    }
    uint64_t last = 0;
    do {
      const SessionSnapshot snapshot = driver.Snapshot();
      ASSERT_GE(snapshot.version, last);
      ASSERT_EQ(snapshot.statistics.batches, snapshot.version);
      ASSERT_EQ(snapshot.statistics.count, 2.0 * static_cast<double>(snapshot.version));
      ASSERT_EQ(snapshot.statistics.mean,
                std::vector<double>(kChannels, snapshot.version == 0 ? 0 : 1));
      ASSERT_EQ(snapshot.statistics.variance, std::vector<double>(kChannels, 1));
      const auto read = driver.Apply(kInference, chunk);
      ASSERT_THAT(read, IsOk());
      ASSERT_GE(read->version, snapshot.version);
      last = read->version;
      const double lower = (0 - (last == 0 ? 0 : 1)) * (1 / std::sqrt(1 + 1e-5));
      ASSERT_EQ(std::vector<float>(read->y.begin(), read->y.begin() + kChannels),
                std::vector<float>(kChannels, static_cast<float>(lower)));
    } while (writing > 0);
  });
  EXPECT_EQ(driver.Statistics().count, 2 * kWriters * kChunks);
}

TEST(SessionThreads, ResetAndFreezeInBetweenLeaveItConsistent) {
  FakeClock clock;
  const SessionDriver driver(ConfigOf(Cumulative{}, 1), clock);
  std::atomic<int> writing = kWriters;
  OnThreads(kWriters + 1, [&](int thread) {
    if (thread < kWriters) {
      StreamingPolicy policy = kPerChunk;
      policy.on_frozen = OnFrozen::kNormalizeOnly;
      for (int i = 0; i < kChunks; ++i) ASSERT_THAT(driver.Apply(policy, {0, 2}), IsOk());
      --writing;
      return;
    }
    do {
      EXPECT_THAT(driver.session().Reset(""), IsOk());
      EXPECT_THAT(driver.session().Update({.frozen = true}, ""), IsOk());
      const StatisticsSnapshot frozen = driver.Statistics();
      EXPECT_EQ(frozen.count, 2.0 * static_cast<double>(frozen.batches));
      EXPECT_EQ(driver.Statistics().count, frozen.count);
      EXPECT_THAT(driver.session().Update({.frozen = false}, ""), IsOk());
    } while (writing > 0);
  });
}

TEST(SessionThreads, LeasesOfManyStreamsEndTogether) {
  FakeClock clock;
  SessionConfig config = ConfigOf(Cumulative{}, 1);
  config.idle_timeout = absl::Seconds(1);
  const SessionDriver driver(config, clock);
  const Session::StreamLease held(driver.shared_session());
  OnThreads(kWriters, [&](int) {
    for (int i = 0; i < kChunks; ++i) {
      const Session::StreamLease lease(driver.shared_session());
      clock.Advance(absl::Seconds(1));
      EXPECT_FALSE(driver.session().DeleteIfIdle());
    }
  });
  clock.Advance(absl::Seconds(1));
  EXPECT_FALSE(driver.session().DeleteIfIdle());
}

}  // namespace
}  // namespace normd
