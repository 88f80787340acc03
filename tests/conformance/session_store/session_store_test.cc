// What every SessionStore does.
#include <gmock/gmock.h>

#include <atomic>
#include <limits>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/conformance/session_store/session_store_suite.h"
#include "tests/testing/error_matchers.h"

namespace normd {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::IsError;
using testing::IsInvalidField;
using testing::IsOk;

constexpr auto kAborted = absl::StatusCode::kAborted;
constexpr auto kAlreadyExists = absl::StatusCode::kAlreadyExists;
constexpr auto kNotFound = absl::StatusCode::kNotFound;
constexpr auto kResourceExhausted = absl::StatusCode::kResourceExhausted;

constexpr StreamingPolicy kStreaming = {.mode = BatchNormMode::kStreaming};

ChannelNormalizer NormalizerOf(const Session& session) {
  return ChannelNormalizer::Create(session.spec(), {session.channels()}).value();
}

// Lets one row of ones into the session.
absl::StatusOr<uint64_t> ApplyOnes(Session& session) {
  std::vector<float> x(static_cast<size_t>(session.channels()), 1);
  return session.Apply(NormalizerOf(session), kStreaming, x.data(), 1, x.data());
}

TEST_P(SessionStoreTest, FindsWhatItCreated) {
  const auto created = Create("sessions/a", 3);
  ASSERT_THAT(created, IsOk());
  EXPECT_EQ((*created)->name(), "sessions/a");
  EXPECT_EQ((*created)->channels(), 3);
  ASSERT_THAT(ApplyOnes(**created), IsOk());
  const auto found = store_->Find("sessions/a");
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ((*found)->uid(), (*created)->uid());
  EXPECT_EQ((*found)->Snapshot().etag, (*created)->Snapshot().etag);
  EXPECT_EQ((*found)->Snapshot().statistics.count, 1);
}

TEST_P(SessionStoreTest, KnowsNoOtherNames) {
  ASSERT_THAT(Create("sessions/b"), IsOk());
  for (const char* name : {"sessions/a", "sessions/bb", "sessions/", ""}) {
    const auto found = store_->Find(name);
    EXPECT_THAT(found, IsError(kNotFound, "SESSION_NOT_FOUND"));
    EXPECT_EQ(DetailsOf(found.status()).resource, name);
    EXPECT_THAT(store_->Delete(name, ""), IsError(kNotFound, "SESSION_NOT_FOUND"));
  }
}

TEST_P(SessionStoreTest, TakesANameOnce) {
  const auto first = Create("sessions/a");
  ASSERT_THAT(first, IsOk());
  const auto second = Create("sessions/a", 5);
  EXPECT_THAT(second, IsError(kAlreadyExists, "SESSION_EXISTS"));
  EXPECT_EQ(DetailsOf(second.status()).resource, "sessions/a");
  EXPECT_EQ(store_->Find("sessions/a").value()->uid(), (*first)->uid());
}

TEST_P(SessionStoreTest, KeepsNothingThatCannotBeASession) {
  EXPECT_THAT(Create("sessions/a", 0), IsInvalidField("channel_count"));
  EXPECT_THAT(Create("sessions/a", std::numeric_limits<int64_t>::min()),
              IsInvalidField("channel_count"));
  SessionConfig config = Config("sessions/a");
  config.spec.epsilon = -1;
  EXPECT_THAT(store_->Create(config), IsInvalidField("spec.batch_norm.epsilon.value"));
  EXPECT_THAT(store_->Find("sessions/a"), IsError(kNotFound, "SESSION_NOT_FOUND"));
  EXPECT_THAT(Names(), IsEmpty());
  EXPECT_THAT(Create("sessions/a"), IsOk());
}

TEST_P(SessionStoreTest, GivesEverySessionAnotherUid) {
  std::set<std::string> uids;
  for (int i = 0; i < 100; ++i) {
    const auto kept = Create(absl::StrCat("sessions/", i));
    ASSERT_THAT(kept, IsOk());
    EXPECT_GE((*kept)->uid().size(), 16);
    uids.insert((*kept)->uid());
    const auto again = Create("sessions/again");
    ASSERT_THAT(again, IsOk());
    uids.insert((*again)->uid());
    ASSERT_THAT(store_->Delete("sessions/again", ""), IsOk());
  }
  EXPECT_EQ(uids.size(), 200);
}

TEST_P(SessionStoreTest, IgnoresAUidFromOutside) {
  SessionConfig config = Config("sessions/a");
  config.uid = "mine";
  EXPECT_NE(store_->Create(config).value()->uid(), "mine");
}

TEST_P(SessionStoreTest, ListsPagesInTheOrderOfNames) {
  for (const char* name :
       {"sessions/c", "sessions/a", "sessions/B", "sessions/a.b", "sessions/10", "sessions/9"}) {
    ASSERT_THAT(Create(name), IsOk());
  }
  EXPECT_THAT(Names("", 2), ElementsAre("sessions/10", "sessions/9"));
  EXPECT_THAT(Names("sessions/9", 3), ElementsAre("sessions/B", "sessions/a", "sessions/a.b"));
  EXPECT_THAT(Names("sessions/a.b", 3), ElementsAre("sessions/c"));
  EXPECT_THAT(Names("sessions/c", 3), IsEmpty());
  EXPECT_THAT(Names("", 0), IsEmpty());
  // From a name that is not there, as after a deletion between two pages.
  EXPECT_THAT(Names("sessions/a.a"), ElementsAre("sessions/a.b", "sessions/c"));
  EXPECT_EQ(Names().size(), 6);
}

TEST_P(SessionStoreTest, DeletesAndForgets) {
  ASSERT_THAT(Create("sessions/a"), IsOk());
  ASSERT_THAT(Create("sessions/b"), IsOk());
  ASSERT_THAT(store_->Delete("sessions/a", ""), IsOk());
  EXPECT_THAT(store_->Find("sessions/a"), IsError(kNotFound, "SESSION_NOT_FOUND"));
  EXPECT_THAT(store_->Delete("sessions/a", ""), IsError(kNotFound, "SESSION_NOT_FOUND"));
  EXPECT_THAT(Names(), ElementsAre("sessions/b"));
}

TEST_P(SessionStoreTest, DeletesByTheCurrentEtagOnly) {
  const auto session = Create("sessions/a");
  ASSERT_THAT(session, IsOk());
  const std::string old = (*session)->Snapshot().etag;
  ASSERT_THAT((*session)->Update({.frozen = true}, ""), IsOk());
  EXPECT_THAT(store_->Delete("sessions/a", old), IsError(kAborted, "ETAG_MISMATCH"));
  ASSERT_THAT(store_->Find("sessions/a"), IsOk());
  EXPECT_THAT(store_->Delete("sessions/a", (*session)->Snapshot().etag), IsOk());
  EXPECT_THAT(store_->Find("sessions/a"), IsError(kNotFound, "SESSION_NOT_FOUND"));
}

TEST_P(SessionStoreTest, EndsADeletedSessionForTheStreamsThatHoldIt) {
  const auto held = Create("sessions/a");
  ASSERT_THAT(held, IsOk());
  const Session::StreamLease lease(*held);
  ASSERT_THAT(ApplyOnes(**held), IsOk());
  ASSERT_THAT(store_->Delete("sessions/a", ""), IsOk());
  EXPECT_THAT(ApplyOnes(**held), IsError(kNotFound, "SESSION_NOT_FOUND"));

  const auto successor = Create("sessions/a");
  ASSERT_THAT(successor, IsOk());
  EXPECT_NE((*successor)->uid(), (*held)->uid());
  EXPECT_EQ((*successor)->Snapshot().statistics.count, 0);
  EXPECT_THAT(ApplyOnes(**held), IsError(kNotFound, "SESSION_NOT_FOUND"));
  EXPECT_THAT(ApplyOnes(**successor), IsOk());
}

TEST_P(SessionStoreTest, KeepsToItsNumberOfSessions) {
  Restart({.max_sessions = 3});
  for (const char* name : {"sessions/a", "sessions/b", "sessions/c"}) {
    ASSERT_THAT(Create(name), IsOk());
  }
  EXPECT_THAT(Create("sessions/d"), IsError(kResourceExhausted, "TOO_MANY_SESSIONS"));
  EXPECT_THAT(Create("sessions/a"), IsError(kAlreadyExists, "SESSION_EXISTS"));
  ASSERT_THAT(store_->Delete("sessions/b", ""), IsOk());
  EXPECT_THAT(Create("sessions/d"), IsOk());
  EXPECT_THAT(Create("sessions/e"), IsError(kResourceExhausted, "TOO_MANY_SESSIONS"));
  EXPECT_THAT(Names(), ElementsAre("sessions/a", "sessions/c", "sessions/d"));
}

TEST_P(SessionStoreTest, KeepsToItsBytes) {
  Restart({.max_session_bytes = 2 * Session::ByteSize(100)});
  ASSERT_THAT(Create("sessions/a", 100), IsOk());
  EXPECT_THAT(Create("sessions/b", 1000), IsError(kResourceExhausted, "TOO_MANY_SESSION_BYTES"));
  EXPECT_THAT(Create("sessions/b", std::numeric_limits<int64_t>::max()),
              IsError(kResourceExhausted, "TOO_MANY_SESSION_BYTES"));
  EXPECT_THAT(Create("sessions/b", 0), IsInvalidField("channel_count"));  // takes nothing
  ASSERT_THAT(Create("sessions/b", 100), IsOk());
  EXPECT_THAT(Create("sessions/c", 1), IsError(kResourceExhausted, "TOO_MANY_SESSION_BYTES"));
  ASSERT_THAT(store_->Delete("sessions/a", ""), IsOk());
  EXPECT_THAT(Create("sessions/c", 100), IsOk());
}

TEST_P(SessionStoreTest, CountsADeletedSessionsBytesForAsLongAsItIsHeld) {
  Restart({.max_session_bytes = Session::ByteSize(100)});
  auto held = Create("sessions/a", 100);
  ASSERT_THAT(held, IsOk());
  ASSERT_THAT(store_->Delete("sessions/a", ""), IsOk());
  EXPECT_THAT(Create("sessions/b", 100), IsError(kResourceExhausted, "TOO_MANY_SESSION_BYTES"));
  held = absl::CancelledError("let go");
  EXPECT_THAT(Create("sessions/b", 100), IsOk());
}

TEST_P(SessionStoreTest, ForgetsIdleSessions) {
  const auto idle = Create("sessions/idle");
  ASSERT_THAT(idle, IsOk());
  ASSERT_THAT(Create("sessions/streaming"), IsOk());
  const Session::StreamLease lease(store_->Find("sessions/streaming").value());
  clock_.Advance(absl::Seconds(9));
  ASSERT_THAT(Create("sessions/young"), IsOk());
  EXPECT_THAT(store_->Find("sessions/idle"), IsOk());
  EXPECT_EQ(store_->DeleteIdle(), 0);
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(store_->Find("sessions/idle"), IsError(kNotFound, "SESSION_NOT_FOUND"));
  EXPECT_THAT(Names(), ElementsAre("sessions/streaming", "sessions/young"));
  EXPECT_THAT(ApplyOnes(**idle), IsError(kNotFound, "SESSION_NOT_FOUND"));
}

TEST_P(SessionStoreTest, DeletesAllIdleSessionsAtOnce) {
  for (const char* name : {"sessions/a", "sessions/b", "sessions/c"}) {
    ASSERT_THAT(Create(name), IsOk());
  }
  clock_.Advance(absl::Seconds(5));
  ASSERT_THAT(ApplyOnes(*store_->Find("sessions/b").value()), IsOk());
  clock_.Advance(absl::Seconds(5));
  EXPECT_EQ(store_->DeleteIdle(), 2);
  EXPECT_THAT(Names(), ElementsAre("sessions/b"));
  EXPECT_EQ(store_->DeleteIdle(), 0);
  clock_.Advance(absl::Seconds(5));
  EXPECT_EQ(store_->DeleteIdle(), 1);
}

TEST_P(SessionStoreTest, TheNamesPlaceAndBytesOfAnIdleSessionAreFree) {
  Restart({.max_sessions = 2, .max_session_bytes = 2 * Session::ByteSize(100)});
  ASSERT_THAT(Create("sessions/a", 100), IsOk());
  const std::string uid = store_->Find("sessions/a").value()->uid();
  ASSERT_THAT(Create("sessions/b", 100), IsOk());
  clock_.Advance(absl::Seconds(10));
  const auto second = Create("sessions/a", 100);
  ASSERT_THAT(second, IsOk());
  EXPECT_NE((*second)->uid(), uid);
  EXPECT_THAT(Create("sessions/c", 100), IsOk());
  EXPECT_THAT(Names(), ElementsAre("sessions/a", "sessions/c"));
}

TEST_P(SessionStoreTest, ListDoesNotCountIdleSessionsToItsLimit) {
  ASSERT_THAT(Create("sessions/a"), IsOk());
  clock_.Advance(absl::Seconds(10));
  ASSERT_THAT(Create("sessions/b"), IsOk());
  ASSERT_THAT(Create("sessions/c"), IsOk());
  EXPECT_THAT(Names("", 2), ElementsAre("sessions/b", "sessions/c"));
}

TEST_P(SessionStoreTest, OneOfManyThreadsGetsAName) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 200;
  std::atomic<int> created = 0, deleted = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        const auto session = Create("sessions/a");
        if (session.ok()) {
          ++created;
        } else {
          EXPECT_THAT(session, IsError(kAlreadyExists, "SESSION_EXISTS"));
        }
        const auto found = store_->Find("sessions/a");
        if (found.ok()) (void)ApplyOnes(**found);  // may be deleted by now
        for (const auto& listed : store_->List("", 10)) EXPECT_EQ(listed->name(), "sessions/a");
        if (store_->Delete("sessions/a", "").ok()) ++deleted;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(created, 0);
  EXPECT_EQ(created, deleted + static_cast<int>(Names().size()));
}

TEST_P(SessionStoreTest, ThreadsTogetherKeepToTheNumberOfSessions) {
  constexpr int kThreads = 4;
  Restart({.max_sessions = 50});
  std::atomic<int> created = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 50; ++k) {
        if (Create(absl::StrCat("sessions/", i, "-", k)).ok()) ++created;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(created, 50);
  EXPECT_EQ(Names().size(), 50);
}

}  // namespace
}  // namespace normd
