// 10,000 malformed requests against one real server: each is answered by the right status, and
// after all of them the server is as it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "grpcpp/grpcpp.h"
#include "normd/v1/session.grpc.pb.h"
#include "tests/e2e/malformed/byte_families.h"
#include "tests/e2e/malformed/parameter_families.h"
#include "tests/e2e/malformed/raw_call.h"
#include "tests/e2e/malformed/session_families.h"
#include "tests/e2e/malformed/shape_families.h"
#include "tests/e2e/malformed/stream_families.h"
#include "tests/testing/connect.h"
#include "tests/testing/server_process.h"
#include "tests/testing/test_stream.h"

namespace normd::malformed {
namespace {

struct NamedFamily {
  const char* name;
  Family make;
  int count;
};

constexpr NamedFamily kFamilies[] = {
    {"overflowing shape", OverflowingShape, 1000},
    {"impossible shape", ImpossibleShape, 800},
    {"huge shape", HugeShape, 300},
    {"wrong data size", WrongDataSize, 600},
    {"unknown enum", UnknownEnum, 900},
    {"parameter out of range", ParameterOutOfRange, 900},
    {"wrong clip or method", WrongClipOrMethod, 200},
    {"wrong affine", WrongAffine, 300},
    {"lying statistics", LyingStatistics, 500},
    {"wrong sequence number", WrongSequenceNumber, 600},
    {"wrong order", WrongOrder, 300},
    {"wrong lengths or mask", WrongLengthsOrMask, 500},
    {"wrong residual", WrongResidual, 200},
    {"special values", SpecialValues, 800},
    {"wrong combination", WrongCombination, 400},
    {"hostile session name", HostileSessionName, 500},
    {"unknown session", UnknownSession, 200},
    {"wrong session request", WrongSessionRequest, 400},
    {"garbage bytes", GarbageBytes, 700},
    {"mutated request", MutatedRequest, 900},
    {"mutated chunk", MutatedChunk, 400},
    {"unknown method", UnknownMethod, 60},
};

// What a status is expected to be and is not; "" where it is that.
std::string Difference(const google::rpc::Status& status, const Expected& expected) {
  google::rpc::BadRequest bad_request;
  for (const auto& detail : status.details()) detail.UnpackTo(&bad_request);
  const google::rpc::ErrorInfo info = testing::ErrorInfoOf(status);
  const std::string field =
      bad_request.field_violations().empty() ? "" : bad_request.field_violations(0).field();
  const std::string got = absl::StrCat("code ", status.code(), " ", info.reason(), " ", field, ": ",
                                       status.message().substr(0, 200));
  const auto& codes = expected.codes;
  if (std::find(codes.begin(), codes.end(), status.code()) == codes.end()) return got;
  if (!expected.reason.empty() && info.reason() != expected.reason) return got;
  if (!expected.field.empty() && field != expected.field) return got;
  // Whoever is hostile gets no more back than an explanation.
  if (status.message().size() > 1000) return "a message of over 1000 bytes: " + got;
  return "";
}

std::string Difference(const Case& request, const Outcome& outcome) {
  google::rpc::Status status;
  status.ParseFromString(outcome.status.error_details());
  status.set_code(outcome.status.error_code());
  status.set_message(outcome.status.error_message());
  if (!request.expected.in_place) {
    std::string difference = Difference(status, request.expected);
    const bool must_succeed = request.expected.codes == std::vector{grpc::OK};
    if (difference.empty() && must_succeed && request.streams && LastAnswer(outcome).has_error()) {
      difference = "an error in place: " + LastAnswer(outcome).error().status().message();
    }
    return difference;
  }
  if (!outcome.status.ok()) return Difference(status, {{grpc::OK}});
  const v1::NormalizeStreamResponse last = LastAnswer(outcome);
  return last.has_error() ? Difference(last.error().status(), request.expected)
                          : "no error in place";
}

class MalformedRequestsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(server_.port(), 0);
#if GOOGLE_PROTOBUF_VERSION < 4022000
    google::protobuf::SetLogHandler(nullptr);  // which messages cannot be parsed is known
#endif
    for (const bool frozen : {false, true}) {
      v1::CreateSessionRequest request;
      request.set_session_id(frozen ? "frozen" : "kept");
      request.mutable_session()->set_channel_count(kChannels);
      request.mutable_session()->set_frozen(frozen);
      request.mutable_session()->mutable_spec()->mutable_standardization();
      grpc::ClientContext context;
      v1::CreateSessionResponse response;
      ASSERT_TRUE(sessions_->CreateSession(&context, request, &response).ok());
    }
  }

  std::shared_ptr<grpc::Channel> Connect() const { return testing::Connect(server_.address()); }

  // Makes the call and notes whether it came to what it must.
  void Try(const std::shared_ptr<grpc::Channel>& channel, const NamedFamily& family,
           const Case& request) {
    const Outcome outcome = MakeCall(channel, request);
    const std::string difference = Difference(request, outcome);
    if (request.method == kCreateSession && outcome.status.ok()) Delete(outcome);
    const std::lock_guard lock(mutex_);
    ++tried_;
    if (!difference.empty() && ++failures_[family.name] <= 5) {
      ADD_FAILURE() << family.name << ", " << request.method << "\n  wanted "
                    << request.expected.reason << " " << request.expected.field << "\n  got "
                    << difference;
    }
  }

  // The session that a call has made.
  void Delete(const Outcome& created) {
    v1::CreateSessionResponse made;
    EXPECT_TRUE(made.ParseFromString(created.answers[0]));
    grpc::ClientContext context;
    v1::DeleteSessionRequest request;
    request.set_name(made.session().name());
    v1::DeleteSessionResponse response;
    EXPECT_TRUE(sessions_->DeleteSession(&context, request, &response).ok());
  }

  v1::Session GetKept() {
    grpc::ClientContext context;
    v1::GetSessionRequest request;
    request.set_name(kKept);
    v1::GetSessionResponse response;
    EXPECT_TRUE(sessions_->GetSession(&context, request, &response).ok());
    return response.session();
  }

  std::set<std::string> SessionNames() {
    std::set<std::string> names;
    v1::ListSessionsRequest request;
    do {
      grpc::ClientContext context;
      v1::ListSessionsResponse response;
      EXPECT_TRUE(sessions_->ListSessions(&context, request, &response).ok());
      for (const auto& session : response.sessions()) names.insert(session.name());
      request.set_page_token(response.next_page_token());
    } while (!request.page_token().empty());
    return names;
  }

  // Must end well at last. With reflection, threads of gRPC's own answer unknown methods:
  // ThreadSanitizer knows too little of them.
  testing::ServerProcess server_{NORMD_SERVER_BINARY, {"--reflection=false"}};
  const std::unique_ptr<v1::SessionService::Stub> sessions_ =
      v1::SessionService::NewStub(Connect());
  std::mutex mutex_;  // guards what follows
  int tried_ = 0;
  std::map<std::string, int> failures_;
};

TEST_F(MalformedRequestsTest, EachHasItsStatusAndTheServerIsAsBefore) {
  constexpr int kThreads = 4;
  const v1::Session before = GetKept();
  // A part of them first: then the server has the memory that it works with.
  const auto run = [&](int part, int parts) {
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        const auto channel = Connect();
        Random random(1'000 * part + thread);
        for (const NamedFamily& family : kFamilies) {
          const int count = family.count / parts / kThreads;
          for (int i = 0; i < count; ++i) Try(channel, family, family.make(random));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  };
  run(1, 10);
  [[maybe_unused]] const int64_t resident = server_.ResidentBytes();
  run(2, 1);
  EXPECT_GE(tried_, 10'000);
  for (const auto& [family, count] : failures_) ADD_FAILURE() << count << " of " << family;

  EXPECT_THAT(SessionNames(), ::testing::ElementsAre(kFrozen, kKept));
  // Of a session that requests were aimed at, nothing changed but when it was used.
  v1::Session after = GetKept();
  *after.mutable_expire_time() = before.expire_time();
  EXPECT_EQ(after.SerializeAsString(), before.SerializeAsString());
  testing::TestStream stream(Connect());
  v1::Open open;
  open.mutable_spec()->mutable_layer_norm()->mutable_epsilon()->set_value(0);
  open.add_row_shape(2);
  stream.Open(open);
  ASSERT_TRUE(stream.Receive().has_opened());
  stream.Send(1, testing::Bytes({1, 3, -5, 5}));
  EXPECT_THAT(testing::Floats(stream.Receive().result().data()),
              ::testing::ElementsAre(-1, 1, -1, 1));
  stream.HalfClose();
  EXPECT_TRUE(stream.Receive().has_closed());
  EXPECT_TRUE(stream.Finish().ok());
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(server_.ResidentBytes() - resident, int64_t{32} << 20);
#endif
}

}  // namespace
}  // namespace normd::malformed
