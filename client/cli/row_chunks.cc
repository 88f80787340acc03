#include "client/cli/row_chunks.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cpp/tensor.h"
#include "google/protobuf/io/coded_stream.h"

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

// On the wire, of a field of `size` bytes whose number is below 16.
int64_t FieldBytes(int64_t size) {
  return 1 + static_cast<int64_t>(google::protobuf::io::CodedOutputStream::VarintSize64(size)) +
         size;
}

}  // namespace

absl::StatusOr<RowChunks> RowChunks::Cut(TensorReader tensor, RowLayout layout,
                                         const std::string& range, int64_t rows_per_chunk) {
  if (tensor.shape().empty()) return absl::InvalidArgumentError("the array has no rows");
  RowChunks chunks(std::move(tensor));
  const int64_t rows = chunks.tensor_.shape()[0];
  if (rows < 0) {
    if (!layout.lengths.empty() || !layout.mask.empty() || !range.empty()) {
      return absl::InvalidArgumentError("how many rows there are is not known yet");
    }
    // No message holds more.
    chunks.units_per_chunk_ = std::clamp<int64_t>(
        std::numeric_limits<int32_t>::max() / chunks.row_bytes(), 1, rows_per_chunk);
    return chunks;
  }
  int64_t units = rows;
  if (const auto& lengths = layout.lengths; !lengths.empty()) {
    units = static_cast<int64_t>(lengths.size());
    const bool padded = chunks.tensor_.shape().size() > 2 && units == rows &&
                        std::all_of(lengths.begin(), lengths.end(), [&](int64_t length) {
                          return length >= 1 && length <= chunks.tensor_.shape()[1];
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
  chunks.units_per_chunk_ = std::max<int64_t>(1, std::min(rows_per_chunk, *chunks.units_));
  chunks.layout_ = std::move(layout);
  return chunks;
}

void RowChunks::Refine(int64_t fewest, int64_t most_bytes) {
  int64_t unit_bytes = row_bytes();
  if (units_) {
    unit_bytes = *units_ > 0 ? *rows() * row_bytes() / *units_ : 0;
    units_per_chunk_ = std::min(units_per_chunk_, *units_ / fewest);
  }
  if (unit_bytes > 0) units_per_chunk_ = std::min(units_per_chunk_, most_bytes / unit_bytes);
  units_per_chunk_ = std::max<int64_t>(1, units_per_chunk_);
}

bool RowChunks::SetResidual(TensorReader residual) {
  const bool fits =
      residual.element_type() == tensor_.element_type() && residual.shape() == tensor_.shape();
  if (fits) residual_ = std::move(residual);
  return fits;
}

bool RowChunks::MoveChannelsLast() {
  moves_channels_ = tensor_.shape().size() > 2;
  return moves_channels_;
}

void RowChunks::MoveChannelsLast(std::string& rows) const {
  if (rows.empty()) return;
  const int64_t channels = tensor_.shape()[1];
  const int64_t element = client::BytesOf(tensor_.element_type());
  const int64_t positions = row_bytes() / (channels * element);
  const std::string from = std::exchange(rows, std::string(rows.size(), '\0'));
  char* next = rows.data();
  for (const char* row = from.data(); row != from.data() + from.size(); row += row_bytes()) {
    for (int64_t position = 0; position < positions; ++position) {
      for (int64_t c = 0; c < channels; ++c, next += element) {
        std::memcpy(next, row + (c * positions + position) * element, element);
      }
    }
  }
}

RowRange RowChunks::Units(int64_t i) const {
  const int64_t first = i * units_per_chunk_;
  const int64_t last = first + units_per_chunk_;
  return {first, units_ ? std::min(last, *units_) : last};
}

v1::Chunk RowChunks::Frame(const RowRange& units) const {
  const RowRange rows = Rows(units);
  v1::Chunk chunk;
  if (tells_sequences_ && !starts_.empty()) {
    for (int64_t sequence = units.begin; sequence < units.end; ++sequence) {
      chunk.mutable_sequence_ids()->Resize(static_cast<int>(Row(sequence + 1) - rows.begin),
                                           first_ + sequence);
    }
  }
  if (!layout_.lengths.empty() && starts_.empty()) {
    const auto lengths = layout_.lengths.begin();
    chunk.mutable_lengths()->Assign(lengths + rows.begin, lengths + rows.end);
  }
  if (!layout_.mask.empty()) {
    std::string bits((rows.end - rows.begin + 7) / 8, '\0');
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      const int64_t place = row - rows.begin;
      if (layout_.mask[row]) bits[place / 8] |= static_cast<char>(1 << place % 8);
    }
    chunk.set_row_mask(std::move(bits));
  }
  return chunk;
}

absl::StatusOr<std::optional<v1::Chunk>> RowChunks::Read(int64_t i, int64_t most_bytes) {
  if (units_ && i >= *count()) {
    absl::Status end = tensor_.ReadEnd();
    if (residual_) end.Update(residual_->ReadEnd());
    if (!end.ok()) return end;
    return std::nullopt;
  }
  const RowRange units = Units(i);
  RowRange rows = Rows(units);
  if (!units_) {
    rows.end = rows.begin + std::min(rows.end - rows.begin, most_bytes / row_bytes() + 1);
  }
  absl::StatusOr<std::string> data = tensor_.Read(rows.begin, rows.end);
  if (!data.ok()) return data.status();
  if (!units_ && tensor_.shape()[0] >= 0) {
    units_ = tensor_.shape()[0];
    if (data->empty()) return std::nullopt;
  }
  v1::Chunk chunk = Frame(units);
  if (moves_channels_) MoveChannelsLast(*data);
  chunk.set_data(*std::move(data));
  if (residual_) {
    absl::StatusOr<std::string> residual = residual_->Read(rows.begin, rows.end);
    if (!residual.ok()) return residual.status();
    chunk.set_residual(*std::move(residual));
  }
  return chunk;
}

void RowChunks::Cancel() const {
  tensor_.Cancel();
  if (residual_) residual_->Cancel();
}

int64_t RowChunks::Largest() const {
  int64_t largest = 0;
  int64_t most = 0;
  for (int64_t i = 0; !starts_.empty() && i < *count(); ++i) {
    const RowRange rows = Rows(Units(i));
    if (rows.end - rows.begin > most) largest = i;
    most = std::max(most, rows.end - rows.begin);
  }
  return largest;
}

int64_t RowChunks::MessageBytes(int64_t i) const {
  const RowRange units = Units(i);
  const RowRange rows = Rows(units);
  v1::Chunk frame = Frame(units);
  frame.set_sequence_number(i + 1);
  auto bytes = static_cast<int64_t>(frame.ByteSizeLong());
  if (const int64_t data = (rows.end - rows.begin) * row_bytes(); data > 0) {
    bytes += FieldBytes(data) * (residual_ ? 2 : 1);
  }
  return FieldBytes(bytes);
}

std::optional<int64_t> RowChunks::count() const {
  if (!units_) return std::nullopt;
  return *units_ / units_per_chunk_ + (*units_ % units_per_chunk_ > 0 ? 1 : 0);
}

std::optional<int64_t> RowChunks::rows() const {
  if (!units_) return std::nullopt;
  return Row(*units_) - Row(0);
}

std::vector<int64_t> RowChunks::shape() const {
  std::vector<int64_t> shape = tensor_.shape();
  shape[0] = rows().value_or(-1);
  if (moves_channels_) std::rotate(shape.begin() + 1, shape.begin() + 2, shape.end());
  return shape;
}

std::vector<int64_t> RowChunks::row_shape() const {
  const std::vector<int64_t> all = shape();
  if (all.size() == 1) return {1};
  return {all.begin() + 1, all.end()};
}

}  // namespace normd::cli
