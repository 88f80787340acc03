#include "client/cli/report/report_page.h"

#include "absl/strings/str_replace.h"
#include "client/cli/report/page_template.h"

namespace normd::cli {
namespace {

std::string EscapeHtml(const std::string& text) {
  return absl::StrReplaceAll(
      text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}});
}

// JSON that can stand in a script element: these occur in its strings only.
std::string EscapeForScript(const std::string& json) {
  return absl::StrReplaceAll(json,
                             {{"<", "\\u003c"}, {"\u2028", "\\u2028"}, {"\u2029", "\\u2029"}});
}

}  // namespace

std::string ReportPage(const std::string& report_json, const std::string& title) {
  return absl::StrReplaceAll(kPageTemplate, {{"{{title}}", EscapeHtml(title)},
                                             {"{{report}}", EscapeForScript(report_json)}});
}

}  // namespace normd::cli
