// A range of rows.
#ifndef NORMD_CLIENT_CLI_ROW_RANGE_H_
#define NORMD_CLIENT_CLI_ROW_RANGE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace normd::cli {

struct RowRange {
  int64_t begin = 0;
  int64_t end = 0;
};

// "A:B" within `rows`; either may be left out, and "" is all rows. INVALID_ARGUMENT otherwise.
absl::StatusOr<RowRange> ParseRowRange(const std::string& text, int64_t rows);

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_ROW_RANGE_H_
