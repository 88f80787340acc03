// Every point of a stream's way times every end that a client can put to it: the end has its code,
// the chunks that were taken are counted, nothing is left, and the next client is served.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "normd/v1/comparison.pb.h"
#include "normd/v1/normalization.pb.h"
#include "normd/v1/session.grpc.pb.h"
#include "tests/testing/ends_fixture.h"
#include "tests/testing/local_server.h"
#include "tests/testing/raw_call.h"
#include "tests/testing/raw_http2.h"
#include "tests/testing/test_stream.h"

namespace normd {
namespace {

using ::testing::Contains;
using testing::End;
using testing::IsPeaceful;
using testing::kEndNames;
using testing::kEnds;
using testing::kRowSize;
using testing::RawCall;
using testing::RawHttp2;

constexpr int kLargeRows = 512;  // 2 MiB

// Where the client has got to.
enum class Point {
  kHeadersSent,      // and nothing more; the call has begun
  kOpenSent,         // at once
  kOpenedRead,       //
  kPartOfAMessage,   //
  kAnswerUnread,     // a chunk's; it is on its way
  kResultRead,       //
  kHalfClosed,       // after a chunk; at once
  kNoWindow,         // for the answer of the chunk that was taken
  kLargeIsComputed,  // a chunk that is not answered yet
};
constexpr Point kPoints[] = {Point::kHeadersSent,    Point::kOpenSent,     Point::kOpenedRead,
                             Point::kPartOfAMessage, Point::kAnswerUnread, Point::kResultRead,
                             Point::kHalfClosed,     Point::kNoWindow,     Point::kLargeIsComputed};

// The answers of both services' streams, by the number of their field.
enum Answer { kOpened = 1, kResult = 2, kLast = 4 };

// What is streamed.
struct Target {
  const char* name;
  const char* service;
  const char* method;
  std::string open;
};

void PrintTo(const Target& target, std::ostream* out) { *out << target.name; }

template <typename Request>
std::string Opening(const std::function<void(decltype(Request().mutable_open()))>& fill) {
  Request request;
  request.mutable_open()->add_row_shape(kRowSize);
  fill(request.mutable_open());
  return request.SerializeAsString();
}

const std::vector<Target>& Targets() {
  static const auto* const targets =
      new std::vector<Target>{{"Spec", "normd.v1.NormalizationService", "NormalizeStream",
                               Opening<v1::NormalizeStreamRequest>([](v1::Open* open) {
                                 open->mutable_spec()->mutable_layer_norm();
                               })},
                              {"Session", "normd.v1.NormalizationService", "NormalizeStream",
                               Opening<v1::NormalizeStreamRequest>([](v1::Open* open) {
                                 open->set_session("sessions/s");
                                 open->set_mode(v1::BATCH_NORM_MODE_STREAMING);
                               })},
                              {"Comparison", "normd.v1.ComparisonService", "Compare",
                               Opening<v1::CompareRequest>([](v1::CompareOpen* open) {
                                 open->add_specs()->mutable_layer_norm();
                                 open->set_return_outputs(true);  // answers as large as the chunks
                               })}};
  return *targets;
}

// The same on the wire for both services.
std::string Chunk(int rows) {
  v1::NormalizeStreamRequest request;
  request.mutable_chunk()->set_sequence_number(1);
  request.mutable_chunk()->set_data(testing::Bytes(std::vector<float>(rows * kRowSize, 1)));
  return request.SerializeAsString();
}

// What they are, by the number of their field.
std::vector<int> AnswersIn(const std::vector<std::string>& messages) {
  std::vector<int> answers;
  for (const std::string& message : messages) {
    answers.push_back(message.empty() ? 0 : message[0] >> 3);
  }
  return answers;
}

// By `closed`.
uint64_t LastSequenceNumberIn(const std::vector<std::string>& messages) {
  v1::NormalizeStreamResponse last;
  EXPECT_TRUE(!messages.empty() && last.ParseFromString(messages.back()) && last.has_closed());
  return last.closed().last_sequence_number();
}

class StreamsFixture : public testing::EndsFixture {
 protected:
  void SetUp() override {
    EndsFixture::SetUp();
    ASSERT_FALSE(HasFatalFailure());
    sessions_ = v1::SessionService::NewStub(testing::Connect(*server_));
    grpc::ClientContext context;
    v1::CreateSessionResponse response;
    ASSERT_TRUE(
        sessions_->CreateSession(&context, testing::PooledSession("s", kRowSize), &response).ok());
  }

  v1::Session GetSession() {
    grpc::ClientContext context;
    v1::GetSessionRequest request;
    request.set_name("sessions/s");
    v1::GetSessionResponse response;
    EXPECT_TRUE(sessions_->GetSession(&context, request, &response).ok());
    return response.session();
  }

  // Whether so many messages of the call have been taken, or it has ended before: by its deadline,
  // on a slow machine.
  void WaitUntilTaken(const Target& target, const Calls& before, int messages) {
    WaitFor("the messages are taken", [&] {
      const Calls calls = CallsOf(target.method);
      return calls.received >= before.received + messages ||
             calls.all_handled() > before.all_handled();
    });
  }

  RawCall Reach(Point point, const Target& target, std::optional<std::chrono::seconds> deadline,
                const Calls& before) {
    const auto window = point == Point::kNoWindow ? kNoWindow : RawHttp2::kFirstWindow;
    RawCall client(server_->port(), absl::StrCat("/", target.service, "/", target.method), deadline,
                   window);
    const RawHttp2& connection = client.connection();
    // Or else gRPC may see the end of the call before it tells of the call.
    WaitFor("the call begins",
            [&] { return CallsOf(target.method).started == before.started + 1; });
    if (point == Point::kHeadersSent) return client;
    connection.SendMessage(1, target.open);
    if (point == Point::kOpenSent) return client;
    client.Read(1);
    switch (point) {
      case Point::kPartOfAMessage:
        client.SendPartOf(Chunk(1));
        break;
      case Point::kLargeIsComputed:
        if (target.name == std::string("Session")) {
          clock_.Close();
          if (connection.SendLargeMessage(1, Chunk(kLargeRows))) clock_.WaitUntilHeld();
        } else {
          connection.SendLargeMessage(1, Chunk(kLargeRows));
          WaitUntilTaken(target, before, 2);
        }
        break;
      case Point::kAnswerUnread:
      case Point::kNoWindow:
        connection.SendMessage(1, Chunk(1));
        WaitUntilTaken(target, before, 2);
        break;
      case Point::kResultRead:
        connection.SendMessage(1, Chunk(1));
        client.Read(2);
        break;
      case Point::kHalfClosed:
        connection.SendMessage(1, Chunk(1));
        client.HalfClose();
        break;
      default:
        break;
    }
    return client;
  }

  // Whole ones.
  static int MessagesSentAt(Point point) {
    if (point == Point::kHeadersSent) return 0;
    return point >= Point::kAnswerUnread ? 2 : 1;
  }

  std::unique_ptr<v1::SessionService::Stub> sessions_;
};

class StreamEndsTest : public StreamsFixture,
                       public ::testing::WithParamInterface<std::tuple<End, Target>> {
 protected:
  void ServeAnother(const Target& target) {
    const Calls before = CallsOf(target.method);
    RawCall next = Reach(Point::kResultRead, target, std::nullopt, before);
    next.HalfClose();
    next.ReadAll();
    EXPECT_EQ(AnswersIn(next.Messages()), std::vector<int>({kOpened, kResult, kLast}));
    EXPECT_TRUE(next.HasStatus(grpc::StatusCode::OK));
    WaitFor("the next call ends", [&] { return !EndedSince(before, target.method).empty(); });
  }

  // The chunks that enter.
  static int ChunksOf(Point point, End end) {
    if (point == Point::kPartOfAMessage) return end == End::kGoAway ? 1 : 0;
    return MessagesSentAt(point) == 2 ? 1 : 0;
  }

  static std::vector<int> AnswersOf(Point point, End end) {
    if (point == Point::kHeadersSent) return {};
    if (ChunksOf(point, end) == 0) return {kOpened, kLast};
    return {kOpened, kResult, kLast};
  }

  static std::set<std::string> CodesOf(Point point, End end) {
    std::set<std::string> codes;
    if (IsPeaceful(end) || point == Point::kHalfClosed) codes.insert("OK");
    if (end == End::kDeadline) {
      codes.insert("DeadlineExceeded");
    } else if (!IsPeaceful(end)) {
      codes.insert("Canceled");
    }
    return codes;
  }
};

TEST_P(StreamEndsTest, LeaveTheServerWholeAtEveryPoint) {
  const auto& [end, target] = GetParam();
  for (const Point point : kPoints) {
    SCOPED_TRACE(absl::StrCat("point ", static_cast<int>(point)));
    const bool on_session = target.name == std::string("Session");
    const uint64_t version = GetSession().statistics().version();
    const Calls before = CallsOf(target.method);
    RawCall client = Reach(point, target, DeadlineFor(end), before);
    if (on_session && point == Point::kOpenedRead && end != End::kDeadline) {
      EXPECT_FALSE(GetSession().has_expire_time());  // there is a lease to give back
    }
    if (end == End::kDeadline && point == Point::kLargeIsComputed) {
      std::this_thread::sleep_for(kDeadline);
    }
    Put(end, client);
    clock_.Open();
    if (IsPeaceful(end)) {
      client.ReadAll();
      EXPECT_EQ(AnswersIn(client.Messages()), AnswersOf(point, end));
      EXPECT_TRUE(client.HasStatus(grpc::StatusCode::OK));
      // A message that was cut off by the half-close is not among them: gRPC says nothing of it.
      if (target.name != std::string("Comparison") && point != Point::kHeadersSent) {
        EXPECT_EQ(LastSequenceNumberIn(client.Messages()), ChunksOf(point, end));
      }
    }
    std::multiset<std::string> codes;
    WaitFor("the call ends", [&] {
      codes = EndedSince(before, target.method);
      return !codes.empty();
    });
    ASSERT_EQ(codes.size(), 1);
    EXPECT_THAT(CodesOf(point, end), Contains(*codes.begin()));
    if (on_session) {
      WaitFor("the lease is given back", [this] { return GetSession().has_expire_time(); });
      const uint64_t entered = GetSession().statistics().version() - version;
      EXPECT_LE(entered, ChunksOf(point, end));
      // Else one whose stream ends at once may enter, or not.
      if (IsPeaceful(end) || (point != Point::kHalfClosed && end != End::kDeadline)) {
        EXPECT_EQ(entered, ChunksOf(point, end));
      }
    }
    ServeAnother(target);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(By, StreamEndsTest,
                         ::testing::Combine(::testing::ValuesIn(kEnds),
                                            ::testing::ValuesIn(Targets())),
                         [](const auto& test) {
                           return absl::StrCat(kEndNames[static_cast<int>(std::get<0>(test.param))],
                                               "Of", std::get<1>(test.param).name);
                         });

TEST_F(StreamsFixture, ADrainEndsClientsAtEveryPoint) {
  std::vector<RawCall> clients;
  for (const Target& target : Targets()) {
    for (const Point point : kPoints) {
      SCOPED_TRACE(absl::StrCat(target.name, ", point ", static_cast<int>(point)));
      const Calls before = CallsOf(target.method);
      clients.push_back(Reach(point, target, std::nullopt, before));
      clock_.Open();
      // Or else they would be counted among the next client's.
      WaitUntilTaken(target, before, MessagesSentAt(point));
    }
  }
  server_->Drain();  // returns
  for (const std::string method : {"NormalizeStream", "Compare"}) {
    const Calls calls = CallsOf(method);
    EXPECT_EQ(calls.all_handled(), calls.started) << method;
  }
}

}  // namespace
}  // namespace normd
