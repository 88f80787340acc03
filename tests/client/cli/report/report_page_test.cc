#include "client/cli/report/report_page.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace normd::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

size_t Occurrences(const std::string& text, const std::string& part) {
  size_t number = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++number;
  return number;
}

TEST(ReportPage, HoldsItsPartsOnceAndNoMarks) {
  const std::string page = ReportPage(R"({"tokens":"12"})", "t.npy");
  EXPECT_EQ(Occurrences(page, R"({"tokens":"12"})"), 1);
  EXPECT_EQ(Occurrences(page, "t.npy"), 2);
  EXPECT_THAT(page, Not(HasSubstr("{{")));
}

TEST(ReportPage, JsonDoesNotEndItsElement) {
  const std::string plain = ReportPage("{}", "");
  const std::string page = ReportPage("{\"a\":\"</script><!--<script>\u2028\u2029\"}", "");
  EXPECT_EQ(Occurrences(page, "<script"), Occurrences(plain, "<script"));
  EXPECT_EQ(Occurrences(page, "</script"), Occurrences(plain, "</script"));
  EXPECT_EQ(Occurrences(page, "<!--"), Occurrences(plain, "<!--"));
  EXPECT_THAT(page, HasSubstr(R"(\u003c/script>\u003c!--\u003cscript>\u2028\u2029)"));
}

TEST(ReportPage, TitleIsNoMarkup) {
  const std::string page = ReportPage("{}", "<b>&\"'{{report}}");
  EXPECT_THAT(page, HasSubstr("<title>&lt;b&gt;&amp;&quot;&#39;{{report}}</title>"));
}

TEST(ReportPage, LoadsNothingAndCarriesTheLicence) {
  const std::string page = ReportPage("{}", "");
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, Not(HasSubstr("src=\"")));
  EXPECT_THAT(page, HasSubstr("Mike Bostock"));
}

}  // namespace
}  // namespace normd::cli
