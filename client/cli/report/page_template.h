// The page of a report before it has one: made by embed_page.cmake.
#ifndef NORMD_CLIENT_CLI_REPORT_PAGE_TEMPLATE_H_
#define NORMD_CLIENT_CLI_REPORT_PAGE_TEMPLATE_H_

#include "absl/strings/string_view.h"

namespace normd::cli {

// HTML with the marks {{title}} (twice) and {{report}}.
extern const absl::string_view kPageTemplate;

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_REPORT_PAGE_TEMPLATE_H_
