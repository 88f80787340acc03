#include "server/observability/trace_context.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

namespace normd::server {
namespace {

constexpr char kTraceId[] = "0af7651916cd43dd8448eb211c80319c";
constexpr char kSpanId[] = "b7ad6b7169203331";

std::string Header(const std::string& version, const std::string& trace_id,
                   const std::string& span_id, const std::string& flags) {
  return version + "-" + trace_id + "-" + span_id + "-" + flags;
}

TEST(TraceContextTest, ParsesWhatTheSpecificationHas) {
  for (const std::string& header :
       {Header("00", kTraceId, kSpanId, "01"), Header("00", kTraceId, kSpanId, "00"),
        Header("00", kTraceId, kSpanId, "ff"), Header("01", kTraceId, kSpanId, "01"),
        Header("fe", kTraceId, kSpanId, "01-what-comes-later")}) {
    const auto trace = ParseTraceparent(header);
    ASSERT_TRUE(trace.has_value()) << header;
    EXPECT_EQ(trace->trace_id, kTraceId);
    EXPECT_EQ(trace->span_id, kSpanId);
  }
}

TEST(TraceContextTest, IgnoresAnythingElse) {
  const std::string upper = "0AF7651916CD43DD8448EB211C80319C";
  for (const std::string& header :
       {std::string(), std::string("00"), Header("00", std::string(32, '0'), kSpanId, "01"),
        Header("00", kTraceId, std::string(16, '0'), "01"), Header("ff", kTraceId, kSpanId, "01"),
        Header("00", upper, kSpanId, "01"), Header("0x", kTraceId, kSpanId, "01"),
        Header("00", kTraceId, kSpanId, "0g"), Header("00", kTraceId, kSpanId, "1"),
        Header("00", kTraceId, kSpanId, "01-more"), Header("01", kTraceId, kSpanId, "01.more"),
        Header("00", kTraceId, kSpanId, "01 "),
        absl::StrCat(" ", Header("00", kTraceId, kSpanId, "01")),
        Header("00", std::string(kTraceId, 31), kSpanId, "011"),
        Header("00", std::string("\"}") + std::string(kTraceId, 30), kSpanId, "01"),
        std::string(55, '-'), std::string(100'000, '0')}) {
    EXPECT_FALSE(ParseTraceparent(header).has_value()) << header.substr(0, 100);
  }
}

TEST(LoggedTraceTest, IsOfItsScope) {
  const std::optional<TraceContext> outer = TraceContext{kTraceId, kSpanId};
  const std::optional<TraceContext> none;
  EXPECT_EQ(LoggedTrace::Current(), nullptr);
  {
    const LoggedTrace logged(outer);
    EXPECT_EQ(LoggedTrace::Current(), &*outer);
    {
      const LoggedTrace call_without(none);
      EXPECT_EQ(LoggedTrace::Current(), nullptr);
    }
    EXPECT_EQ(LoggedTrace::Current(), &*outer);
  }
  EXPECT_EQ(LoggedTrace::Current(), nullptr);
}

}  // namespace
}  // namespace normd::server
