// What a comparison found over a whole stream, as a page for a browser and for paper.
#ifndef NORMD_CLIENT_CLI_REPORT_REPORT_PAGE_H_
#define NORMD_CLIENT_CLI_REPORT_REPORT_PAGE_H_

#include <string>

namespace normd::cli {

// One self-contained file of HTML that loads nothing. `report_json` is a v1.ComparisonReport in
// protobuf's JSON with the fields' own names, and is shown as it is. Both may hold any text: none
// becomes markup.
std::string ReportPage(const std::string& report_json, const std::string& title);

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_REPORT_REPORT_PAGE_H_
