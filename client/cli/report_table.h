// A report as text: for people, and for spreadsheets.
#ifndef NORMD_CLIENT_CLI_REPORT_TABLE_H_
#define NORMD_CLIENT_CLI_REPORT_TABLE_H_

#include <string>

#include "normd/v1/report.pb.h"

namespace normd::cli {

// The verdict with its reasons, and how far training is from inference by batch size in each order.
std::string ReportTable(const v1::ComparisonReport& report);

// Every figure of every cell, a line each under a line of the columns' names, which are those of
// report.proto where no other is given. Commas between, and \n at the end of each line. What is
// absent is empty.
//
//   order, batch_size, with_padding, batches, mean_batch_size, effective_batch_size
//       the Cell; order as "by_sequence", batch_size 0 as they came, with_padding 0 or 1
//   method
//       its name: batch_norm, "batch_norm #2"
//   figure
//       a field of Discrepancies; gap_p50, gap_p99, gap_largest and gap_overall of GapQuantiles;
//       co_batch_sensitivity
//   value, low, high
//       what was measured, with its 95 % interval
//   noise_floor
//       what chance alone gives for it
//   ratio, ratio_low, ratio_high
//       value over noise_floor, with its 95 % interval
std::string ReportCsv(const v1::ComparisonReport& report);

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_REPORT_TABLE_H_
