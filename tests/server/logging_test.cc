#include "server/observability/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>

#include "server/observability/trace_context.h"
#include "server/rpc/status_mapping.h"
#include "spdlog/spdlog.h"

namespace normd::server {
namespace {

using ::testing::HasSubstr;

TEST(LoggingTest, NothingFromOutsideCanForgeALine) {
  EXPECT_EQ(EscapeForLog("a\"b\\c\nd\te\x01\xFF"), "a\\\"b\\\\c\\nd\\te\\u0001\\u00ff");
  EXPECT_EQ(EscapeForLog("plain text, {} and all"), "plain text, {} and all");
}

TEST(LoggingTest, UnknownLevelsAndFormatsAreRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(SetUpLogging({"loud", "text"})));
  EXPECT_TRUE(absl::IsInvalidArgument(SetUpLogging({"info", "xml"})));
  EXPECT_TRUE(SetUpLogging({"off", "json"}).ok());
}

TEST(LoggingTest, InternalErrorsCarryTheirCallsTrace) {
  const std::optional<TraceContext> trace = TraceContext{"0af7", "b7ad"};
  ASSERT_TRUE(SetUpLogging({"info", "json"}).ok());
  ::testing::internal::CaptureStderr();
  const absl::Status status = CatchInternal(
      trace, []() -> absl::Status { throw std::runtime_error("what only the log may tell"); });
  spdlog::info("another line");
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_TRUE(absl::IsInternal(status));
  EXPECT_THAT(log, HasSubstr("what only the log may tell\",\"trace_id\":\"0af7\","
                             "\"span_id\":\"b7ad\"}\n"));
  EXPECT_THAT(log, HasSubstr("another line\"}\n"));
}

}  // namespace
}  // namespace normd::server
