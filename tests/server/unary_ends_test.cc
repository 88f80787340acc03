// Every point of a unary call's way times every end that a client can put to it: the end has its
// code, nothing is left, and the next client is served.
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "normd/v1/normalization.pb.h"
#include "tests/testing/ends_fixture.h"
#include "tests/testing/raw_call.h"
#include "tests/testing/raw_http2.h"
#include "tests/testing/scrape.h"
#include "tests/testing/test_stream.h"

namespace normd {
namespace {

using testing::End;
using testing::IsPeaceful;
using testing::kEndNames;
using testing::kEnds;
using testing::kRowSize;
using testing::RawCall;
using testing::RawHttp2;

// Where the client has got to.
enum class UnaryPoint {
  kHeadersSent,  // and nothing more
  kPartOfAMessage,
  kNoWindow,  // for the answer; all is sent
};
constexpr UnaryPoint kUnaryPoints[] = {UnaryPoint::kHeadersSent, UnaryPoint::kPartOfAMessage,
                                       UnaryPoint::kNoWindow};

std::string Batch() {
  v1::NormalizeRequest request;
  request.mutable_spec()->mutable_layer_norm();
  request.mutable_input()->set_element_type(v1::ELEMENT_TYPE_FLOAT32);
  request.mutable_input()->add_shape(1);
  request.mutable_input()->add_shape(kRowSize);
  request.mutable_input()->set_data(testing::Bytes(std::vector<float>(kRowSize, 1)));
  return request.SerializeAsString();
}

class UnaryEndsTest : public testing::EndsFixture, public ::testing::WithParamInterface<End> {
 protected:
  static constexpr char kPath[] = "/normd.v1.NormalizationService/Normalize";

  // What a client reads of a call that it lets end.
  static int StatusOf(UnaryPoint point, End end) {
    if (end == End::kDeadline) return grpc::StatusCode::DEADLINE_EXCEEDED;
    const bool whole = point == UnaryPoint::kNoWindow ||
                       (point == UnaryPoint::kPartOfAMessage && end == End::kGoAway);
    return whole ? grpc::StatusCode::OK : grpc::StatusCode::INTERNAL;  // gRPC's own
  }

  RawCall Reach(UnaryPoint point, std::optional<std::chrono::seconds> deadline) {
    const auto window = point == UnaryPoint::kNoWindow ? kNoWindow : RawHttp2::kFirstWindow;
    RawCall client(server_->port(), kPath, deadline, window);
    if (point == UnaryPoint::kPartOfAMessage) client.SendPartOf(Batch());
    if (point == UnaryPoint::kNoWindow) {
      client.connection().SendMessage(1, Batch());
      client.HalfClose();
    }
    client.connection().RoundTrip();
    return client;
  }
};

TEST_P(UnaryEndsTest, LeaveTheServerWholeAtEveryPoint) {
  const End end = GetParam();
  for (const UnaryPoint point : kUnaryPoints) {
    SCOPED_TRACE(absl::StrCat("point ", static_cast<int>(point)));
    const Calls before = CallsOf("Normalize");
    RawCall client = Reach(point, DeadlineFor(end));
    Put(end, client);
    if (IsPeaceful(end)) client.ReadAll();
    if (end == End::kDeadline) client.Read(SIZE_MAX);
    if (IsPeaceful(end) || end == End::kDeadline) {
      EXPECT_TRUE(client.HasStatus(StatusOf(point, end)));
    }

    RawCall next = Reach(UnaryPoint::kNoWindow, std::nullopt);
    next.ReadAll();
    EXPECT_TRUE(next.HasStatus(grpc::StatusCode::OK));
    // A call begins with its message.
    const bool begun =
        point == UnaryPoint::kNoWindow || StatusOf(point, end) == grpc::StatusCode::OK;
    const double started = before.started + (begun ? 2 : 1);
    WaitFor("the calls begin", [&] { return CallsOf("Normalize").started >= started; });
    EXPECT_EQ(CallsOf("Normalize").started, started);
    WaitFor("no message is held", [this] {
      return testing::Scrape(server_->admin_port())["normd_bytes_in_flight"] == 0;
    });
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(By, UnaryEndsTest, ::testing::ValuesIn(kEnds), [](const auto& test) {
  return std::string(kEndNames[static_cast<int>(test.param)]);
});

}  // namespace
}  // namespace normd
