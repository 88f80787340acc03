#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "normd/v1/normalization.grpc.pb.h"
#include "normd/v1/session.grpc.pb.h"
#include "tests/testing/connect.h"
#include "tests/testing/server_process.h"
#include "tests/testing/test_stream.h"

namespace normd {
namespace {

using ::testing::AllOf;
using testing::Connect;
using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ServerProcess;

constexpr char kTraceparent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

// The log's lines about the method's calls, once the server has ended.
std::vector<std::string> CallLines(ServerProcess& server, const std::string& method) {
  EXPECT_EQ(server.Terminate(), 0);
  std::vector<std::string> lines;
  for (const auto line : absl::StrSplit(server.Log(), '\n')) {
    if (absl::StrContains(line, "call ") && absl::StrContains(line, method)) {
      lines.emplace_back(line);
    }
  }
  return lines;
}

// Ends with NOT_FOUND.
void DeleteUnknownSession(const ServerProcess& server, const std::string& traceparent) {
  const auto stub = v1::SessionService::NewStub(Connect(server.address()));
  grpc::ClientContext context;
  if (!traceparent.empty()) context.AddMetadata("traceparent", traceparent);
  v1::DeleteSessionRequest request;
  request.set_name("sessions/none");
  v1::DeleteSessionResponse response;
  EXPECT_EQ(stub->DeleteSession(&context, request, &response).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

void StreamOneToken(const ServerProcess& server) {
  testing::TestStream stream(Connect(server.address()));
  stream.Open(testing::LayerNorm(2));
  ASSERT_TRUE(stream.Receive().has_opened());
  stream.Send(1, testing::Bytes({1, 2}));
  ASSERT_TRUE(stream.Receive().has_result());
  stream.HalfClose();
  ASSERT_TRUE(stream.Receive().has_closed());
  ASSERT_TRUE(stream.Finish().ok());
}

TEST(CallLogTest, ACallThatFailsIsALineWithItsTrace) {
  ServerProcess server(NORMD_SERVER_BINARY, {"--log_level=info"});
  ASSERT_NE(server.port(), 0);
  DeleteUnknownSession(server, kTraceparent);
  const auto lines = CallLines(server, "DeleteSession");
  ASSERT_EQ(lines.size(), 1);
  EXPECT_THAT(
      lines[0],
      AllOf(HasSubstr(" info call /normd.v1.SessionService/DeleteSession code=NotFound duration="),
            HasSubstr(" received=1 sent=0 session=sessions/none peer=ipv4:127.0.0.1:"),
            HasSubstr(" reason=SESSION_NOT_FOUND error=\\\"sessions/none does not exist\\\""),
            EndsWith(" trace_id=0af7651916cd43dd8448eb211c80319c span_id=b7ad6b7169203331")));
}

TEST(CallLogTest, JsonHasTheTraceAsFields) {
  ServerProcess server(NORMD_SERVER_BINARY, {"--log_level=info", "--log_format=json"});
  ASSERT_NE(server.port(), 0);
  DeleteUnknownSession(server, kTraceparent);
  const auto lines = CallLines(server, "DeleteSession");
  ASSERT_EQ(lines.size(), 1);
  EXPECT_THAT(lines[0], AllOf(HasSubstr(",\"message\":\"call /normd.v1.SessionService/"),
                              EndsWith("\",\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\","
                                       "\"span_id\":\"b7ad6b7169203331\"}")));
}

TEST(CallLogTest, WhatIsNoTraceparentIsIgnored) {
  ServerProcess server(NORMD_SERVER_BINARY, {"--log_level=info"});
  ASSERT_NE(server.port(), 0);
  DeleteUnknownSession(server, "");
  DeleteUnknownSession(server,
                       "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 trace_id=x");
  const auto lines = CallLines(server, "DeleteSession");
  ASSERT_EQ(lines.size(), 2);
  for (const std::string& line : lines) EXPECT_THAT(line, Not(HasSubstr("trace_id")));
}

// A name from outside must not end the error's quotation, nor the line.
TEST(CallLogTest, WhatClientsSendIsEscapedTwice) {
  ServerProcess server(NORMD_SERVER_BINARY, {"--log_level=info"});
  ASSERT_NE(server.port(), 0);
  {
    testing::TestStream stream(Connect(server.address()));
    v1::Open open;
    open.set_session("sessions/x\" trace_id=forged\nforged");
    open.add_row_shape(1);
    stream.Open(open);
    stream.Receive();
    EXPECT_FALSE(stream.Finish().ok());
  }
  const auto lines = CallLines(server, "NormalizeStream");
  ASSERT_EQ(lines.size(), 1);
  EXPECT_THAT(lines[0], AllOf(HasSubstr("code=InvalidArgument"), HasSubstr("error="),
                              Not(HasSubstr("x\\\" trace_id"))));
}

TEST(CallLogTest, CallsThatAreFineAreLinesAtDebugOnly) {
  for (const bool debug : {false, true}) {
    ServerProcess server(NORMD_SERVER_BINARY, {debug ? "--log_level=debug" : "--log_level=info"});
    ASSERT_NE(server.port(), 0);
    StreamOneToken(server);
    const auto lines = CallLines(server, "NormalizeStream");
    ASSERT_EQ(lines.size(), debug ? 1 : 0);
    if (!debug) continue;
    EXPECT_THAT(lines[0], AllOf(HasSubstr(" debug call "), HasSubstr(" code=OK "),
                                HasSubstr(" received=2 sent=3 ")));
    EXPECT_THAT(lines[0], ContainsRegex(R"(duration=[0-9]+\.[0-9]{6} )"));
  }
}

}  // namespace
}  // namespace normd
