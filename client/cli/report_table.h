// A report as text: for people, and for spreadsheets.
#ifndef NORMD_CLIENT_CLI_REPORT_TABLE_H_
#define NORMD_CLIENT_CLI_REPORT_TABLE_H_

#include <string>
#include <vector>

#include "normd/v1/comparison.pb.h"

namespace normd::cli {

// The methods' names, numbered where one stands twice: "batch_norm", "batch_norm #2".
std::vector<std::string> MethodColumns(const v1::CompareOpened& opened);

// The verdict with its reasons, and how far training is from inference by batch size in each order.
std::string ReportTable(const v1::ComparisonReport& report,
                        const std::vector<std::string>& methods);

// Every figure of every cell, a line each (RFC 4180): order, batch_size, with_padding, method,
// figure, value, low, high, noise_floor, ratio. What is absent is empty.
std::string ReportCsv(const v1::ComparisonReport& report, const std::vector<std::string>& methods);

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_REPORT_TABLE_H_
