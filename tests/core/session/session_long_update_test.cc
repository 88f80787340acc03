// Updates that are long are made beside the lock: what others see, and may do, meanwhile.
#include <gtest/gtest.h>

#include <functional>
#include <new>
#include <thread>
#include <utility>

#include "core/session/session.h"
#include "tests/core/session/session_driver.h"
#include "tests/testing/error_matchers.h"
#include "tests/testing/random_values.h"
#include "tests/testing/same_bits.h"
#include "tests/testing/same_statistics.h"

namespace normd {
namespace {

using testing::ConfigOf;
using testing::IsError;
using testing::IsOk;
using testing::kInference;
using testing::kPerChunk;
using testing::kPerRow;
using testing::kTraining;
using testing::RandomFloats;
using testing::SameBits;
using testing::SameStatistics;
using testing::SessionDriver;

constexpr int64_t kLongChannels = 2;
constexpr int64_t kLongRows = 20'000;

class SessionLongUpdateTest : public ::testing::Test {
 protected:
  // A long update asks for the time when it begins, and once more at the end of its work, when
  // nobody holds the lock: then `meanwhile` runs.
  Clock clock_ = [this] {
    if (meanwhile_ && ++times_ == 2) std::exchange(meanwhile_, nullptr)();
    return absl::UnixEpoch();
  };

  // Applies the long chunk; `meanwhile` during it.
  absl::StatusOr<SessionDriver::Chunk> ApplyLong(std::function<void()> meanwhile,
                                                 const StreamingPolicy& policy = kPerRow) {
    times_ = 0;
    meanwhile_ = std::move(meanwhile);
    auto chunk = driver_.Apply(policy, x_);
    EXPECT_FALSE(meanwhile_) << "was not long";
    return chunk;
  }

  absl::Status ApplyShort(const StreamingPolicy& policy, Patience patience) {
    std::vector<float> y(short_.size());
    return session_.Apply(driver_.normalizer(), policy, short_.data(), 2, y.data(), patience)
        .status();
  }

  const std::vector<float> x_ = RandomFloats(kLongRows * kLongChannels);
  const std::vector<float> short_ = {1, 2, 3, 5};
  std::function<void()> meanwhile_;
  int times_ = 0;
  SessionDriver driver_{ConfigOf(Cumulative{}, kLongChannels), clock_};
  Session& session_ = driver_.session();
};

TEST_F(SessionLongUpdateTest, ComesOutAsManyShortOnes) {
  for (const Estimator& estimator : {Estimator(Cumulative{}), Estimator(TokenEma{0.01})}) {
    for (const UpdateOrder order : testing::kOrders) {
      const StreamingPolicy policy = testing::Streaming(order, UpdateGranularity::kPerRow);
      const SessionDriver whole(ConfigOf(estimator, kLongChannels), clock_);
      const SessionDriver cut(ConfigOf(estimator, kLongChannels), clock_);
      const auto chunk = whole.Apply(policy, x_);
      ASSERT_THAT(chunk, IsOk());
      EXPECT_EQ(chunk->version, 1);
      EXPECT_TRUE(
          SameBits(chunk->y, cut.ApplyInChunks(policy, x_, std::vector(100, kLongRows / 100))));
      EXPECT_TRUE(SameStatistics(whole.Statistics(), cut.Statistics()));
    }
  }
}

// An average of tokens takes them one by one in every mode.
TEST_F(SessionLongUpdateTest, AveragesOfTokensAreLongInEveryMode) {
  for (const StreamingPolicy& policy : {kTraining, kPerChunk}) {
    driver_ = SessionDriver(ConfigOf(TokenEma{0.01}, kLongChannels), clock_);
    ASSERT_THAT(ApplyLong([] {}, policy), IsOk());
    const SessionDriver by_row(ConfigOf(TokenEma{0.01}, kLongChannels), clock_);
    ASSERT_THAT(by_row.Apply(kPerRow, x_), IsOk());
    EXPECT_TRUE(SameBits(driver_.Statistics().mean, by_row.Statistics().mean));
    EXPECT_TRUE(SameBits(driver_.Statistics().variance, by_row.Statistics().variance));
  }
}

TEST_F(SessionLongUpdateTest, ReadersSeeWhatWasBefore) {
  ASSERT_THAT(ApplyShort(kPerChunk, Patience::kWait), IsOk());
  const SessionSnapshot before = session_.Snapshot();
  ASSERT_THAT(ApplyLong([&] {
                const SessionSnapshot during = session_.Snapshot();
                EXPECT_EQ(during.version, before.version);
                EXPECT_TRUE(SameStatistics(during.statistics, before.statistics));
                EXPECT_THAT(ApplyShort(kInference, Patience::kRefuse), IsOk());
              }),
              IsOk());
  EXPECT_EQ(session_.Snapshot().version, before.version + 1);
}

TEST_F(SessionLongUpdateTest, OtherUpdatesAreRefusedIfTheyHaveNoPatience) {
  ASSERT_THAT(ApplyLong([&] {
                for (const StreamingPolicy& policy : {kTraining, kPerRow, kPerChunk}) {
                  EXPECT_TRUE(IsBusy(ApplyShort(policy, Patience::kRefuse)));
                }
              }),
              IsOk());
  EXPECT_EQ(session_.Snapshot().statistics.count, kLongRows);
  EXPECT_THAT(ApplyShort(kPerRow, Patience::kRefuse), IsOk());
}

TEST_F(SessionLongUpdateTest, OtherUpdatesWaitForItsEnd) {
  std::thread other;
  const auto chunk = ApplyLong([&] {
    other = std::thread([&] { EXPECT_THAT(ApplyShort(kPerRow, Patience::kWait), IsOk()); });
  });
  other.join();
  ASSERT_THAT(chunk, IsOk());
  EXPECT_EQ(chunk->version, 1);
  EXPECT_EQ(session_.Snapshot().version, 2);
  EXPECT_EQ(session_.Snapshot().statistics.count, kLongRows + 2);
}

TEST_F(SessionLongUpdateTest, AResetMeanwhileComesBeforeIt) {
  ASSERT_THAT(ApplyShort(kPerChunk, Patience::kWait), IsOk());
  const auto chunk = ApplyLong([&] { EXPECT_THAT(session_.Reset(""), IsOk()); });
  ASSERT_THAT(chunk, IsOk());
  const SessionDriver fresh(ConfigOf(Cumulative{}, kLongChannels), clock_);
  EXPECT_TRUE(SameBits(chunk->y, fresh.Apply(kPerRow, x_)->y));
  EXPECT_TRUE(SameStatistics(driver_.Statistics(), fresh.Statistics()));
  EXPECT_EQ(chunk->version, 3);
}

TEST_F(SessionLongUpdateTest, NothingEntersWhatWasFrozenMeanwhile) {
  ASSERT_THAT(ApplyShort(kPerChunk, Patience::kWait), IsOk());
  const StatisticsSnapshot before = driver_.Statistics();
  const auto freeze = [&] { EXPECT_THAT(session_.Update({.frozen = true}, ""), IsOk()); };
  EXPECT_THAT(ApplyLong(freeze), IsError(absl::StatusCode::kFailedPrecondition, "FROZEN"));
  EXPECT_THAT(session_.Update({.frozen = false}, ""), IsOk());
  StreamingPolicy normalize_only = kPerRow;
  normalize_only.on_frozen = OnFrozen::kNormalizeOnly;
  const auto chunk = ApplyLong(freeze, normalize_only);
  ASSERT_THAT(chunk, IsOk());
  EXPECT_TRUE(SameBits(chunk->y, driver_.Apply(kInference, x_)->y));
  EXPECT_TRUE(SameStatistics(driver_.Statistics(), before));
}

TEST_F(SessionLongUpdateTest, ADeletedSessionIsGone) {
  EXPECT_THAT(ApplyLong([&] { EXPECT_THAT(session_.Delete(""), IsOk()); }),
              IsError(absl::StatusCode::kNotFound, "SESSION_NOT_FOUND"));
}

TEST_F(SessionLongUpdateTest, OneThatThrowsLeavesTheSessionAsItWas) {
  EXPECT_THROW(ApplyLong([] { throw std::bad_alloc(); }).IgnoreError(), std::bad_alloc);
  EXPECT_EQ(session_.Snapshot().statistics.count, 0);
  EXPECT_THAT(ApplyShort(kPerRow, Patience::kRefuse), IsOk());
}

}  // namespace
}  // namespace normd
