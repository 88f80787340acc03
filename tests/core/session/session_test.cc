// What a session is besides its statistics: its configuration, etag, life and idle time.
#include "core/session/session.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/core/session/session_driver.h"
#include "tests/testing/error_matchers.h"
#include "tests/testing/same_statistics.h"

namespace normd {
namespace {

using testing::ConfigOf;
using testing::FakeClock;
using testing::IsError;
using testing::IsInvalidField;
using testing::IsOk;
using testing::kInference;
using testing::kPerRow;
using testing::SameStatistics;
using testing::SessionDriver;

constexpr auto kAborted = absl::StatusCode::kAborted;
constexpr auto kFailedPrecondition = absl::StatusCode::kFailedPrecondition;
constexpr auto kNotFound = absl::StatusCode::kNotFound;

class SessionTest : public ::testing::Test {
 protected:
  absl::Status CreateStatus(const SessionConfig& config) {
    return Session::Create(config, clock_).status();
  }

  FakeClock clock_;
  SessionDriver driver_{ConfigOf(Cumulative{}, 2), clock_};
  Session& session_ = driver_.session();
};

TEST_F(SessionTest, StartsAsItWasConfigured) {
  SessionConfig config = ConfigOf(TokenEma{0.25}, 3);
  config.frozen = true;
  config.idle_timeout = absl::Minutes(5);
  const SessionDriver driver(config, clock_);
  const SessionSnapshot snapshot = driver.Snapshot();
  EXPECT_EQ(snapshot.name, config.name);
  EXPECT_EQ(snapshot.uid, config.uid);
  EXPECT_FALSE(snapshot.etag.empty());
  EXPECT_EQ(snapshot.spec.epsilon, 1e-5);
  EXPECT_EQ(std::get<TokenEma>(*snapshot.spec.estimator).alpha, 0.25);
  EXPECT_EQ(snapshot.channels, 3);
  EXPECT_TRUE(snapshot.frozen);
  EXPECT_TRUE(SameStatistics(snapshot.statistics, {0, {0, 0, 0}, {1, 1, 1}, 0}));
  EXPECT_EQ(snapshot.version, 0);
  EXPECT_EQ(snapshot.create_time, clock_.Now());
  EXPECT_EQ(snapshot.update_time, clock_.Now());
  EXPECT_EQ(snapshot.expire_time, clock_.Now() + absl::Minutes(5));
  EXPECT_EQ(snapshot.idle_timeout, absl::Minutes(5));
  EXPECT_EQ(driver.session().name(), config.name);
  EXPECT_EQ(driver.session().uid(), config.uid);
  EXPECT_EQ(driver.session().channels(), 3);
}

TEST_F(SessionTest, NamesTheFieldThatCannotBe) {
  SessionConfig config = ConfigOf(Cumulative{}, 2);
  config.spec.method = Method::kLayerNorm;
  EXPECT_THAT(CreateStatus(config), IsInvalidField("spec.method"));
  config = ConfigOf(TokenEma{2}, 2);
  EXPECT_THAT(CreateStatus(config), IsInvalidField("spec.batch_norm.estimator.token_ema.alpha"));
  config = ConfigOf(Cumulative{}, 2);
  config.spec.epsilon = -1;
  EXPECT_THAT(CreateStatus(config), IsInvalidField("spec.batch_norm.epsilon.value"));
  config = ConfigOf(Cumulative{}, 2);
  config.spec.gamma = AffineParameter{{3}, {1, 2, 3}};
  EXPECT_THAT(CreateStatus(config), IsInvalidField("spec.batch_norm.affine.gamma"));
  config.spec.gamma.reset();
  config.spec.beta = AffineParameter{{1, 2}, {1, 2}};
  EXPECT_THAT(CreateStatus(config), IsInvalidField("spec.batch_norm.affine.beta"));
  config = ConfigOf(Cumulative{}, 2);
  config.idle_timeout = -absl::Seconds(1);
  EXPECT_THAT(CreateStatus(config), IsInvalidField("idle_timeout"));
  for (int64_t channels : {int64_t{0}, int64_t{-1}, std::numeric_limits<int64_t>::min()}) {
    EXPECT_THAT(CreateStatus(ConfigOf(Cumulative{}, channels)), IsInvalidField("channel_count"));
  }
}

TEST_F(SessionTest, NamesTheInitialStatisticsThatCannotBe) {
  SessionConfig config = ConfigOf(Cumulative{}, 1);
  config.initial_statistics = {4, {1, 2}, {3}, 1};
  EXPECT_THAT(CreateStatus(config), IsInvalidField("statistics.mean_variance.mean"));
  config.initial_statistics = {4, {1}, {-3}, 1};
  EXPECT_THAT(CreateStatus(config), IsInvalidField("statistics.mean_variance.variance"));
  config.initial_statistics = {0, {1}, {3}, 1};
  EXPECT_THAT(CreateStatus(config), IsInvalidField("statistics.count"));
}

TEST_F(SessionTest, ChangesItsEtagWithEveryUpdateButNotWithStatistics) {
  const std::string first = session_.Snapshot().etag;
  ASSERT_THAT(driver_.Apply(kPerRow, {1, 2}), IsOk());
  EXPECT_EQ(session_.Snapshot().etag, first);
  ASSERT_THAT(session_.Update({.frozen = true}, first), IsOk());
  const std::string second = session_.Snapshot().etag;
  EXPECT_NE(second, first);
  ASSERT_THAT(session_.Update({.frozen = false}, ""), IsOk());
  const std::string third = session_.Snapshot().etag;
  EXPECT_NE(third, second);
  ASSERT_THAT(session_.Reset(third), IsOk());
  EXPECT_NE(session_.Snapshot().etag, third);
}

TEST_F(SessionTest, RefusesAnEtagThatIsOld) {
  const std::string old = session_.Snapshot().etag;
  ASSERT_THAT(session_.Update({.idle_timeout = absl::Hours(1)}, ""), IsOk());
  ASSERT_THAT(driver_.Apply(kPerRow, {1, 2}), IsOk());
  const SessionSnapshot before = session_.Snapshot();
  EXPECT_THAT(session_.Update({.frozen = true}, old), IsError(kAborted, "ETAG_MISMATCH"));
  EXPECT_THAT(session_.Reset(old), IsError(kAborted, "ETAG_MISMATCH"));
  EXPECT_THAT(session_.Delete(old), IsError(kAborted, "ETAG_MISMATCH"));
  const SessionSnapshot after = session_.Snapshot();
  EXPECT_FALSE(after.frozen);
  EXPECT_EQ(after.etag, before.etag);
  EXPECT_EQ(after.version, before.version);
  EXPECT_TRUE(SameStatistics(after.statistics, before.statistics));
  EXPECT_THAT(driver_.Apply(kInference, {1, 2}), IsOk());
}

TEST_F(SessionTest, HasAnotherEtagUnderAnotherUid) {
  SessionConfig config = ConfigOf(Cumulative{}, 2);
  config.uid = "fedcba9876543210";
  EXPECT_NE(SessionDriver(config, clock_).Snapshot().etag, session_.Snapshot().etag);
}

TEST_F(SessionTest, UpdatesOnlyWhatIsSet) {
  clock_.Advance(absl::Seconds(3));
  ASSERT_THAT(session_.Update({.frozen = true}, ""), IsOk());
  EXPECT_TRUE(session_.Snapshot().frozen);
  EXPECT_EQ(session_.Snapshot().idle_timeout, absl::InfiniteDuration());
  EXPECT_EQ(session_.Snapshot().update_time, clock_.Now());
  ASSERT_THAT(session_.Update({.idle_timeout = absl::Seconds(7)}, ""), IsOk());
  EXPECT_TRUE(session_.Snapshot().frozen);
  EXPECT_EQ(session_.Snapshot().idle_timeout, absl::Seconds(7));
  EXPECT_EQ(session_.Snapshot().version, 0);
  EXPECT_THAT(session_.Update({.idle_timeout = -absl::Seconds(1)}, ""),
              IsInvalidField("session.idle_timeout"));
  EXPECT_EQ(session_.Snapshot().idle_timeout, absl::Seconds(7));
}

TEST_F(SessionTest, ResetsToWhatItStartedFromUnderANewVersion) {
  SessionConfig config = ConfigOf(Cumulative{}, 2);
  config.initial_statistics = {4, {1, 2}, {3, 5}, 2};
  for (const SessionConfig& each : {ConfigOf(Cumulative{}, 2), config}) {
    const SessionDriver driver(each, clock_);
    const StatisticsSnapshot initial = driver.Statistics();
    const auto first = driver.Apply(kPerRow, {5, 6, 7, 8});
    ASSERT_THAT(first, IsOk());
    clock_.Advance(absl::Seconds(1));
    ASSERT_THAT(driver.session().Reset(""), IsOk());
    EXPECT_TRUE(SameStatistics(driver.Statistics(), initial));
    EXPECT_GT(driver.Snapshot().version, first->version);
    EXPECT_EQ(driver.Snapshot().update_time, clock_.Now());
    const auto second = driver.Apply(kPerRow, {5, 6, 7, 8});
    ASSERT_THAT(second, IsOk());
    EXPECT_EQ(second->y, first->y);
  }
}

// What is cached of the statistics must not outlive them.
TEST_F(SessionTest, NormalizesByTheStatisticsAfterAReset) {
  const auto fresh = driver_.Apply(kInference, {5, 6});
  ASSERT_THAT(driver_.Apply(kPerRow, {1, 2, 3, 9}), IsOk());
  EXPECT_NE(driver_.Apply(kInference, {5, 6})->y, fresh->y);
  ASSERT_THAT(session_.Reset(""), IsOk());
  EXPECT_EQ(driver_.Apply(kInference, {5, 6})->y, fresh->y);
}

TEST_F(SessionTest, RefusesToResetWhileFrozen) {
  ASSERT_THAT(driver_.Apply(kPerRow, {1, 2, 3, 4}), IsOk());
  ASSERT_THAT(session_.Update({.frozen = true}, ""), IsOk());
  const SessionSnapshot before = session_.Snapshot();
  EXPECT_THAT(session_.Reset(""), IsError(kFailedPrecondition, "FROZEN"));
  EXPECT_TRUE(SameStatistics(session_.Snapshot().statistics, before.statistics));
  EXPECT_EQ(session_.Snapshot().version, before.version);
  ASSERT_THAT(session_.Update({.frozen = false}, ""), IsOk());
  EXPECT_THAT(session_.Reset(""), IsOk());
}

TEST_F(SessionTest, AnswersNothingOnceDeleted) {
  ASSERT_THAT(session_.Delete(session_.Snapshot().etag), IsOk());
  for (const absl::Status& status :
       {driver_.Apply(kInference, {1, 2}).status(), driver_.Apply(kPerRow, {1, 2}).status(),
        session_.Update({.frozen = true}, ""), session_.Reset(""), session_.Delete("")}) {
    EXPECT_THAT(status, IsError(kNotFound, "SESSION_NOT_FOUND"));
    EXPECT_EQ(DetailsOf(status).resource, "sessions/x");
  }
  EXPECT_TRUE(session_.DeleteIfIdle());
}

class IdleSession : public ::testing::Test {
 protected:
  static SessionConfig Config() {
    SessionConfig config = ConfigOf(Cumulative{}, 2);
    config.idle_timeout = absl::Seconds(10);
    return config;
  }
  void ExpectIdleAfterTenSeconds() {
    clock_.Advance(absl::Seconds(10) - absl::Nanoseconds(1));
    EXPECT_FALSE(session_.DeleteIfIdle());
    clock_.Advance(absl::Nanoseconds(1));
    EXPECT_EQ(session_.Snapshot().expire_time, clock_.Now());
    EXPECT_TRUE(session_.DeleteIfIdle());
    EXPECT_THAT(driver_.Apply(kInference, {1, 2}), IsError(kNotFound, "SESSION_NOT_FOUND"));
  }

  FakeClock clock_;
  SessionDriver driver_{Config(), clock_};
  Session& session_ = driver_.session();
};

TEST_F(IdleSession, ExpiresAfterItsTimeout) { ExpectIdleAfterTenSeconds(); }

TEST_F(IdleSession, StaysWhileItIsUsed) {
  for (const StreamingPolicy& policy : {kInference, kPerRow, testing::kTraining}) {
    clock_.Advance(absl::Seconds(9));
    ASSERT_THAT(driver_.Apply(policy, {1, 2, 3, 4}), IsOk());
    EXPECT_FALSE(session_.DeleteIfIdle());
  }
  clock_.Advance(absl::Seconds(9));
  ASSERT_THAT(session_.Update({.frozen = false}, ""), IsOk());
  clock_.Advance(absl::Seconds(9));
  ASSERT_THAT(session_.Reset(""), IsOk());
  ExpectIdleAfterTenSeconds();
}

TEST_F(IdleSession, IsNotKeptAliveByLookingAtIt) {
  clock_.Advance(absl::Seconds(9));
  session_.Snapshot();
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(session_.DeleteIfIdle());
}

TEST_F(IdleSession, StaysWhileAStreamHoldsIt) {
  {
    Session::StreamLease first(driver_.shared_session());
    Session::StreamLease moved(std::move(first));
    Session::StreamLease second;
    second = Session::StreamLease(driver_.shared_session());
    clock_.Advance(absl::Hours(1));
    EXPECT_EQ(session_.Snapshot().expire_time, absl::InfiniteFuture());
    EXPECT_FALSE(session_.DeleteIfIdle());
    second = Session::StreamLease();
    EXPECT_FALSE(session_.DeleteIfIdle());
  }
  ExpectIdleAfterTenSeconds();  // from the end of the last stream
}

TEST_F(IdleSession, TakesANewTimeoutFromNowOn) {
  clock_.Advance(absl::Seconds(9));
  ASSERT_THAT(session_.Update({.idle_timeout = absl::Seconds(20)}, ""), IsOk());
  EXPECT_EQ(session_.Snapshot().expire_time, clock_.Now() + absl::Seconds(20));
  clock_.Advance(absl::Seconds(19));
  EXPECT_FALSE(session_.DeleteIfIdle());
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(session_.DeleteIfIdle());
}

TEST_F(IdleSession, NeverExpiresWithoutATimeout) {
  const SessionDriver driver(ConfigOf(Cumulative{}, 2), clock_);
  clock_.Advance(absl::Hours(24 * 365 * 100));
  EXPECT_EQ(driver.Snapshot().expire_time, absl::InfiniteFuture());
  EXPECT_FALSE(driver.session().DeleteIfIdle());
}

TEST(SessionBytes, GrowWithTheChannelsAndSaturate) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  EXPECT_GE(Session::ByteSize(1000) - Session::ByteSize(0), 1000 * 4 * 8);  // four arrays at least
  EXPECT_EQ(Session::ByteSize(kMax), kMax);
  EXPECT_EQ(Session::ByteSize(kMax / 8), kMax);
  EXPECT_GT(Session::ByteSize(std::numeric_limits<int64_t>::min()), 0);
  FakeClock clock;
  EXPECT_EQ(SessionDriver(ConfigOf(Cumulative{}, 7), clock).session().byte_size(),
            Session::ByteSize(7));
}

}  // namespace
}  // namespace normd
