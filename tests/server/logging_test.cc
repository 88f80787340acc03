#include "server/observability/logging.h"

#include <gtest/gtest.h>

namespace normd::server {
namespace {

TEST(LoggingTest, NothingFromOutsideCanForgeALine) {
  EXPECT_EQ(EscapeForLog("a\"b\\c\nd\te\x01\xFF"), "a\\\"b\\\\c\\nd\\te\\u0001\\u00ff");
  EXPECT_EQ(EscapeForLog("plain text, {} and all"), "plain text, {} and all");
}

TEST(LoggingTest, UnknownLevelsAndFormatsAreRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(SetUpLogging({"loud", "text"})));
  EXPECT_TRUE(absl::IsInvalidArgument(SetUpLogging({"info", "xml"})));
  EXPECT_TRUE(SetUpLogging({"off", "json"}).ok());
}

}  // namespace
}  // namespace normd::server
