#include "client/cli/report/report_page.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
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

std::string JsonString(const std::string& text) {
  std::string json = "\"";
  for (const char character : text) {
    if (character == '"' || character == '\\') {
      absl::StrAppend(&json, "\\", std::string(1, character));
    } else if (static_cast<unsigned char>(character) < 0x20) {
      absl::StrAppendFormat(&json, "\\u%04x", character);
    } else {
      json += character;
    }
  }
  return json + '"';
}

std::string JsonList(const std::vector<std::string>& texts) {
  const auto append = [](std::string* list, const std::string& text) { *list += JsonString(text); };
  return absl::StrCat("[", absl::StrJoin(texts, ",", append), "]");
}

}  // namespace

std::string ReportPage(const std::string& report_json, const std::vector<std::string>& method_names,
                       const std::string& title) {
  return absl::StrReplaceAll(kPageTemplate,
                             {{"{{title}}", EscapeHtml(title)},
                              {"{{report}}", EscapeForScript(report_json)},
                              {"{{method_names}}", EscapeForScript(JsonList(method_names))}});
}

}  // namespace normd::cli
