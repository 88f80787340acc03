#include "client/cli/row_range.h"

#include <functional>
#include <numeric>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace normd::cli {

absl::StatusOr<RowRange> ParseRowRange(const std::string& text, absl::Span<const int64_t> shape) {
  if (shape.empty()) return absl::InvalidArgumentError("the array has no rows");
  RowRange range{0, shape[0],
                 std::accumulate(shape.begin() + 1, shape.end(), int64_t{1}, std::multiplies<>())};
  if (text.empty()) return range;
  const std::vector<std::string> parts = absl::StrSplit(text, ':');
  const bool parsed = parts.size() == 2 &&
                      (parts[0].empty() || absl::SimpleAtoi(parts[0], &range.begin)) &&
                      (parts[1].empty() || absl::SimpleAtoi(parts[1], &range.end));
  if (!parsed || range.begin < 0 || range.begin > range.end || range.end > shape[0]) {
    return absl::InvalidArgumentError(
        absl::StrCat("--rows ", text, ": must be A:B with 0 <= A <= B <= ", shape[0]));
  }
  return range;
}

}  // namespace normd::cli
