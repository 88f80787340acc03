// A range of an array's rows, its first dimension.
#ifndef NORMD_CLIENT_CLI_ROW_RANGE_H_
#define NORMD_CLIENT_CLI_ROW_RANGE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace normd::cli {

struct RowRange {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t row_size = 0;

  int64_t count() const { return end - begin; }
  absl::Span<const float> Select(absl::Span<const float> values) const {
    return values.subspan(begin * row_size, count() * row_size);
  }
};

// "A:B" within `shape`; either may be left out, and "" is all rows. INVALID_ARGUMENT otherwise.
absl::StatusOr<RowRange> ParseRowRange(const std::string& text, absl::Span<const int64_t> shape);

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_ROW_RANGE_H_
