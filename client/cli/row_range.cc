#include "client/cli/row_range.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace normd::cli {

absl::StatusOr<RowRange> ParseRowRange(const std::string& text, int64_t rows) {
  RowRange range{0, rows};
  if (text.empty()) return range;
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  const bool parsed = parts.size() == 2 &&
                      (parts[0].empty() || absl::SimpleAtoi(parts[0], &range.begin)) &&
                      (parts[1].empty() || absl::SimpleAtoi(parts[1], &range.end));
  if (!parsed || range.begin < 0 || range.begin > range.end || range.end > rows) {
    return absl::InvalidArgumentError(
        absl::StrCat("--rows ", text, ": must be A:B with 0 <= A <= B <= ", rows));
  }
  return range;
}

}  // namespace normd::cli
