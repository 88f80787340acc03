#include "server/rpc/session_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "absl/time/clock.h"
#include "core/error/error.h"
#include "server/storage/in_memory_session_store.h"

namespace normd::server {
namespace {

using ::testing::ElementsAre;

class SessionServiceTest : public ::testing::Test {
 protected:
  absl::Status Create(const std::string& id, int64_t channels = 2) {
    v1::CreateSessionRequest request;
    request.set_session_id(id);
    request.mutable_session()->set_channel_count(channels);
    request.mutable_session()->mutable_spec()->mutable_batch_norm();
    created_.Clear();
    return service_.Create(request, &created_);
  }

  InMemorySessionStore store_{{}, [] { return absl::Now(); }};
  Admission admission_{{1, 1},
                       ByteBudget(1),
                       ByteBudget(1),
                       OverloadDetector(OverloadDetector::Duration::max()),
                       WorkerPool(1),
                       0,
                       1};
  Metrics metrics_;
  SessionService service_{store_, admission_, {}, metrics_};
  v1::CreateSessionResponse created_;
};

TEST_F(SessionServiceTest, CreateAnswersTheResolvedSpec) {
  ASSERT_TRUE(Create("a").ok());
  const v1::Session& session = created_.session();
  EXPECT_EQ(session.name(), "sessions/a");
  EXPECT_FALSE(session.uid().empty());
  EXPECT_FALSE(session.etag().empty());
  EXPECT_EQ(session.idle_timeout().seconds(), 3600);
  EXPECT_EQ(session.spec().batch_norm().channel_axis(), 1);
  EXPECT_EQ(session.spec().batch_norm().epsilon().value(), 1e-5);
  EXPECT_EQ(session.spec().batch_norm().estimator().batch_ema().momentum(), 0.1);
  EXPECT_TRUE(session.spec().batch_norm().estimator().batch_ema().unbiased());
  EXPECT_EQ(session.statistics().version(), 0);
}

TEST_F(SessionServiceTest, CreateRefusesBadIdsMethodsAndSizes) {
  EXPECT_TRUE(absl::IsInvalidArgument(Create("")));
  EXPECT_TRUE(absl::IsInvalidArgument(Create("a/b")));
  EXPECT_TRUE(absl::IsInvalidArgument(Create("line\nbreak")));
  EXPECT_TRUE(absl::IsInvalidArgument(Create(std::string(129, 'a'))));
  EXPECT_TRUE(Create(std::string(128, 'a')).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(Create("a", 0)));
  v1::CreateSessionRequest request;
  request.set_session_id("ln");
  request.mutable_session()->set_channel_count(2);
  request.mutable_session()->mutable_spec()->mutable_layer_norm();
  EXPECT_TRUE(absl::IsInvalidArgument(service_.Create(request, &created_)));
}

TEST_F(SessionServiceTest, ANameIsTakenOnce) {
  ASSERT_TRUE(Create("a").ok());
  const std::string uid = created_.session().uid();
  EXPECT_TRUE(absl::IsAlreadyExists(Create("a")));
  v1::DeleteSessionRequest request;
  request.set_name("sessions/a");
  v1::DeleteSessionResponse response;
  EXPECT_TRUE(service_.Delete(request, &response).ok());
  EXPECT_TRUE(absl::IsNotFound(service_.Delete(request, &response)));
  ASSERT_TRUE(Create("a").ok());
  EXPECT_NE(created_.session().uid(), uid);
}

TEST_F(SessionServiceTest, ListPages) {
  for (const char* id : {"c", "a", "e", "b", "d"}) ASSERT_TRUE(Create(id).ok());
  v1::ListSessionsRequest request;
  request.set_page_size(2);
  std::vector<std::string> names;
  int pages = 0;
  for (;;) {
    v1::ListSessionsResponse response;
    ASSERT_TRUE(service_.List(request, &response).ok());
    ++pages;
    for (const auto& session : response.sessions()) names.push_back(session.name());
    if (response.next_page_token().empty()) break;
    request.set_page_token(response.next_page_token());
  }
  EXPECT_THAT(names,
              ElementsAre("sessions/a", "sessions/b", "sessions/c", "sessions/d", "sessions/e"));
  EXPECT_EQ(pages, 3);
  request.set_page_size(-1);
  v1::ListSessionsResponse response;
  EXPECT_TRUE(absl::IsInvalidArgument(service_.List(request, &response)));
}

TEST_F(SessionServiceTest, UpdateChangesWhatTheMaskNames) {
  ASSERT_TRUE(Create("a").ok());
  v1::UpdateSessionRequest request;
  request.mutable_session()->set_name("sessions/a");
  request.mutable_session()->set_frozen(true);
  request.mutable_session()->mutable_idle_timeout()->set_seconds(7);
  request.mutable_session()->set_etag(created_.session().etag());
  v1::UpdateSessionResponse response;
  EXPECT_TRUE(absl::IsInvalidArgument(service_.Update(request, &response)));  // no mask
  request.mutable_update_mask()->add_paths("frozen");
  ASSERT_TRUE(service_.Update(request, &response).ok());
  EXPECT_TRUE(response.session().frozen());
  EXPECT_EQ(response.session().idle_timeout().seconds(), 3600);
  EXPECT_NE(response.session().etag(), created_.session().etag());
  EXPECT_TRUE(absl::IsAborted(service_.Update(request, &response)));  // the etag is old
  request.mutable_session()->clear_etag();
  request.mutable_update_mask()->set_paths(0, "uid");
  EXPECT_TRUE(absl::IsInvalidArgument(service_.Update(request, &response)));
}

TEST_F(SessionServiceTest, InitialStatisticsComeBackAndReachAcrossReset) {
  v1::CreateSessionRequest request;
  request.set_session_id("a");
  request.mutable_session()->set_channel_count(1);
  request.mutable_session()
      ->mutable_spec()
      ->mutable_batch_norm()
      ->mutable_estimator()
      ->mutable_cumulative();
  const auto tensor = [](double value, v1::Tensor* proto) {
    proto->set_element_type(v1::ELEMENT_TYPE_FLOAT64);
    proto->add_shape(1);
    proto->set_data(&value, sizeof(value));
  };
  v1::RunningStatistics* statistics = request.mutable_session()->mutable_statistics();
  tensor(8, statistics->mutable_count());
  tensor(3, statistics->mutable_mean_variance()->mutable_mean());
  tensor(4, statistics->mutable_mean_variance()->mutable_variance());
  ASSERT_TRUE(service_.Create(request, &created_).ok());
  EXPECT_EQ(created_.session().statistics().mean_variance().mean().data(),
            statistics->mean_variance().mean().data());
  EXPECT_EQ(created_.session().statistics().mean_variance().variance().data(),
            statistics->mean_variance().variance().data());
  v1::ResetSessionRequest reset;
  reset.set_name("sessions/a");
  v1::ResetSessionResponse after;
  ASSERT_TRUE(service_.Reset(reset, &after).ok());
  EXPECT_EQ(after.session().statistics().count().data(), statistics->count().data());
  EXPECT_GT(after.session().statistics().version(), created_.session().statistics().version());

  statistics->clear_count();  // pooled moments need to know of how many values
  request.set_session_id("b");
  EXPECT_TRUE(absl::IsInvalidArgument(service_.Create(request, &created_)));
}

TEST_F(SessionServiceTest, CreateRefusesMoreChannelsThanARowMayHave) {
  SessionService service(store_, admission_, {.max_channels = 3}, metrics_);
  v1::CreateSessionRequest request;
  request.set_session_id("a");
  request.mutable_session()->mutable_spec()->mutable_batch_norm();
  request.mutable_session()->set_channel_count(4);
  const absl::Status status = service.Create(request, &created_);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_EQ(DetailsOf(status).field, "session.channel_count");
  request.mutable_session()->set_channel_count(3);
  EXPECT_TRUE(service.Create(request, &created_).ok());
}

TEST_F(SessionServiceTest, IdleTimeoutsReachToTheYear9999AndNoFurther) {
  v1::CreateSessionRequest request;
  request.set_session_id("a");
  request.mutable_session()->mutable_spec()->mutable_batch_norm();
  request.mutable_session()->set_channel_count(1);
  auto* timeout = request.mutable_session()->mutable_idle_timeout();
  timeout->set_seconds(std::numeric_limits<int64_t>::max());
  EXPECT_EQ(DetailsOf(service_.Create(request, &created_)).field, "session.idle_timeout");
  timeout->set_seconds(315'576'000'000);
  ASSERT_TRUE(service_.Create(request, &created_).ok());
  EXPECT_EQ(created_.session().expire_time().seconds(), 253'402'300'799);
}

TEST_F(SessionServiceTest, ListLeavesOutStatisticsValuesWhateverTheirKind) {
  for (const bool extremes : {false, true}) {
    v1::CreateSessionRequest request;
    request.set_session_id(extremes ? "extremes" : "moments");
    request.mutable_session()->set_channel_count(1);
    if (extremes) {
      request.mutable_session()->mutable_spec()->mutable_min_max();
    } else {
      request.mutable_session()->mutable_spec()->mutable_batch_norm();
    }
    ASSERT_TRUE(service_.Create(request, &created_).ok());
    EXPECT_NE(created_.session().statistics().kind_case(), v1::RunningStatistics::KIND_NOT_SET);
  }
  v1::ListSessionsResponse response;
  ASSERT_TRUE(service_.List({}, &response).ok());
  ASSERT_EQ(response.sessions_size(), 2);
  for (const v1::Session& session : response.sessions()) {
    EXPECT_EQ(session.statistics().kind_case(), v1::RunningStatistics::KIND_NOT_SET);
    EXPECT_TRUE(session.statistics().has_count());
  }
}

TEST_F(SessionServiceTest, ListTakesItsOwnTokensOnly) {
  v1::ListSessionsRequest request;
  v1::ListSessionsResponse response;
  for (const char* token : {"AAAA", "%", "c2Vzc2lvbnMv"}) {  // the last is "sessions/"
    request.set_page_token(token);
    EXPECT_EQ(DetailsOf(service_.List(request, &response)).field, "page_token") << token;
  }
}

}  // namespace
}  // namespace normd::server
