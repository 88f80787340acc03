#include "client/cli/row_chunks.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/row_range.h"

namespace normd::cli {
namespace {

// Where each sequence begins, and the last one ends; empty where the steps add up to something
// else.
std::vector<int64_t> StartsOf(const std::vector<int64_t>& lengths, int64_t rows) {
  std::vector<int64_t> starts = {0};
  for (const int64_t length : lengths) {
    if (length < 1 || length > rows - starts.back()) return {};
    starts.push_back(starts.back() + length);
  }
  if (starts.back() != rows) return {};
  return starts;
}

}  // namespace

absl::StatusOr<RowChunks> RowChunks::Cut(v1::Tensor tensor, RowLayout layout,
                                         const std::string& range, int64_t rows_per_chunk) {
  if (tensor.shape_size() == 0) return absl::InvalidArgumentError("the array has no rows");
  RowChunks chunks;
  const int64_t rows = tensor.shape(0);
  int64_t units = rows;
  if (const auto& lengths = layout.lengths; !lengths.empty()) {
    units = static_cast<int64_t>(lengths.size());
    const bool padded = tensor.shape_size() > 2 && units == rows &&
                        std::all_of(lengths.begin(), lengths.end(), [&](int64_t length) {
                          return length >= 1 && length <= tensor.shape(1);
                        });
    if (!padded) {
      chunks.starts_ = StartsOf(lengths, rows);
      if (chunks.starts_.empty()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "the lengths neither add up to the ", rows,
            " rows nor are one for each row of [N, steps, ...], from 1 to as many as it has"));
      }
    }
  }
  if (!layout.mask.empty() && static_cast<int64_t>(layout.mask.size()) != rows) {
    return absl::InvalidArgumentError(
        absl::StrCat("the mask has ", layout.mask.size(), " values for ", rows, " rows"));
  }
  const absl::StatusOr<RowRange> selected = ParseRowRange(range, units);
  if (!selected.ok()) return selected.status();
  chunks.first_ = selected->begin;
  chunks.units_ = selected->end - selected->begin;
  chunks.units_per_chunk_ = std::max<int64_t>(1, std::min(rows_per_chunk, chunks.units_));
  chunks.tensor_ = std::move(tensor);
  chunks.layout_ = std::move(layout);
  return chunks;
}

bool RowChunks::SetResidual(v1::Tensor residual) {
  const bool fits = residual.element_type() == tensor_.element_type() &&
                    std::equal(residual.shape().begin(), residual.shape().end(),
                               tensor_.shape().begin(), tensor_.shape().end());
  if (fits) residual_ = std::move(*residual.mutable_data());
  return fits;
}

bool RowChunks::MoveChannelsLast() {
  if (tensor_.shape_size() < 3) return false;
  const int64_t channels = tensor_.shape(1);
  int64_t positions = 1;
  for (int i = 2; i < tensor_.shape_size(); ++i) positions *= tensor_.shape(i);
  if (channels * positions == 0) return true;
  const int64_t element = row_bytes() / (channels * positions);
  const int64_t row_size = row_bytes();
  const std::string from = std::move(*tensor_.mutable_data());
  std::string to(from.size(), '\0');
  for (int64_t row = 0; row < tensor_.shape(0); ++row) {
    const char* const begin = from.data() + row * row_size;
    char* next = to.data() + row * row_size;
    for (int64_t position = 0; position < positions; ++position) {
      for (int64_t c = 0; c < channels; ++c, next += element) {
        std::memcpy(next, begin + (c * positions + position) * element, element);
      }
    }
  }
  *tensor_.mutable_data() = std::move(to);
  tensor_.mutable_shape()->erase(tensor_.mutable_shape()->begin() + 1);
  tensor_.add_shape(channels);
  return true;
}

v1::Chunk RowChunks::Get(int64_t i) const {
  const int64_t first = i * units_per_chunk_;
  const int64_t last = std::min(first + units_per_chunk_, units_);
  const int64_t begin = Row(first);
  const int64_t end = Row(last);
  v1::Chunk chunk;
  chunk.set_data(tensor_.data().substr(begin * row_bytes(), (end - begin) * row_bytes()));
  if (tells_sequences_ && !starts_.empty()) {
    for (int64_t sequence = first; sequence < last; ++sequence) {
      chunk.mutable_sequence_ids()->Resize(static_cast<int>(Row(sequence + 1) - begin),
                                           first_ + sequence);
    }
  }
  if (!residual_.empty()) {
    chunk.set_residual(residual_.substr(begin * row_bytes(), (end - begin) * row_bytes()));
  }
  if (!layout_.lengths.empty() && starts_.empty()) {
    const auto lengths = layout_.lengths.begin();
    chunk.mutable_lengths()->Assign(lengths + begin, lengths + end);
  }
  if (!layout_.mask.empty()) {
    std::string bits((end - begin + 7) / 8, '\0');
    for (int64_t row = begin; row < end; ++row) {
      if (layout_.mask[row]) bits[(row - begin) / 8] |= static_cast<char>(1 << (row - begin) % 8);
    }
    chunk.set_row_mask(std::move(bits));
  }
  return chunk;
}

int64_t RowChunks::Largest() const {
  int64_t largest = 0;
  int64_t most = 0;
  for (int64_t i = 0; i < count(); ++i) {
    const int64_t first = i * units_per_chunk_;
    const int64_t rows = Row(std::min(first + units_per_chunk_, units_)) - Row(first);
    if (rows > most) largest = i;
    most = std::max(most, rows);
  }
  return largest;
}

std::vector<int64_t> RowChunks::shape() const {
  std::vector<int64_t> shape(tensor_.shape().begin(), tensor_.shape().end());
  shape[0] = rows();
  return shape;
}

std::vector<int64_t> RowChunks::row_shape() const {
  if (tensor_.shape_size() == 1) return {1};
  return {tensor_.shape().begin() + 1, tensor_.shape().end()};
}

}  // namespace normd::cli
