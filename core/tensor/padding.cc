#include "core/tensor/padding.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"

namespace normd {
namespace {

absl::Status CheckLengths(int64_t rows, int64_t steps, absl::Span<const int64_t> lengths) {
  if (lengths.empty()) return absl::OkStatus();
  if (static_cast<int64_t>(lengths.size()) != rows) {
    return InvalidFieldError("lengths",
                             absl::StrCat("has ", lengths.size(), " values for ", rows, " rows"));
  }
  for (const int64_t length : lengths) {
    if (length >= 1 && length <= steps) continue;
    return InvalidFieldError(
        "lengths", absl::StrCat("holds ", length, ", but rows have 1 to ", steps, " steps"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Padding> Padding::Create(int64_t rows, int64_t steps, int64_t shape_steps,
                                        absl::Span<const int64_t> lengths,
                                        absl::string_view row_mask) {
  Padding result;
  result.rows_ = rows;
  result.steps_ = steps;
  result.valid_count_ = rows;
  result.valid_steps_ = rows * steps;
  if (lengths.empty() && row_mask.empty()) {
    if (steps != shape_steps) result.valid_rows_.assign(rows, steps);
    return result;
  }
  NORMD_RETURN_IF_ERROR(CheckLengths(rows, steps, lengths));
  const auto mask_bytes = static_cast<size_t>((rows + 7) / 8);
  if (!row_mask.empty() && row_mask.size() != mask_bytes) {
    return InvalidFieldError("row_mask", absl::StrCat("holds ", row_mask.size(), " bytes; ", rows,
                                                      " rows need ", mask_bytes));
  }
  const auto is_valid = [row_mask](size_t row) {
    return row_mask.empty() ||
           ((static_cast<unsigned char>(row_mask[row / 8]) >> (row % 8)) & 1) != 0;
  };
  result.valid_steps_ = 0;
  for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
    const int64_t row_steps = lengths.empty() ? steps : lengths[row];
    result.row_steps_.push_back(is_valid(row) ? row_steps : 0);
    if (is_valid(row)) result.valid_rows_.push_back(row_steps);
    result.valid_steps_ += result.row_steps_.back();
  }
  result.valid_count_ = static_cast<int64_t>(result.valid_rows_.size());
  const bool as_shaped = std::all_of(result.valid_rows_.begin(), result.valid_rows_.end(),
                                     [&](int64_t valid) { return valid == shape_steps; });
  if (as_shaped) result.valid_rows_.clear();
  return result;
}

void Padding::TakeOut(const char* batch, int64_t step_bytes, char* valid) const {
  for (const int64_t row_steps : row_steps_) {
    const auto bytes = static_cast<size_t>(row_steps * step_bytes);
    if (bytes > 0) std::memcpy(valid, batch, bytes);
    valid += bytes;
    batch += steps_ * step_bytes;
  }
}

void Padding::PutBack(const char* valid, int64_t step_bytes, char* batch) const {
  for (const int64_t row_steps : row_steps_) {
    const auto bytes = static_cast<size_t>(row_steps * step_bytes);
    const auto row_bytes = static_cast<size_t>(steps_ * step_bytes);
    if (bytes > 0) std::memcpy(batch, valid, bytes);
    std::memset(batch + bytes, 0, row_bytes - bytes);
    valid += bytes;
    batch += row_bytes;
  }
}

}  // namespace normd
