// What a comparison found, as a table for people.
#ifndef NORMD_CLIENT_CLI_COMPARISON_TABLE_H_
#define NORMD_CLIENT_CLI_COMPARISON_TABLE_H_

#include <string>

#include "normd/v1/comparison.pb.h"

namespace normd::cli {

// A column for each method, a row for each figure, and what the figures are below; "-" where a
// method has none. It holds what was measured, and no judgement of it.
std::string ComparisonTable(const v1::CompareOpened& opened, const v1::CompareSummary& summary);

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_COMPARISON_TABLE_H_
