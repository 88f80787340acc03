// A tensor's rows, its first dimension, cut into the chunks of a stream.
#ifndef NORMD_CLIENT_CLI_ROW_CHUNKS_H_
#define NORMD_CLIENT_CLI_ROW_CHUNKS_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/cli/row_range.h"
#include "client/cli/tensor_reader.h"
#include "normd/v1/normalization.pb.h"
#include "normd/v1/tensor.pb.h"

namespace normd::cli {

// Beside the tensor, what says which of it is valid and how it falls into sequences.
struct RowLayout {
  // Steps of each sequence; empty: rows are all there is. For a tensor [N, T, ...] padded to T
  // steps a row, N of them; else they add up to the rows, and a chunk holds whole sequences.
  std::vector<int64_t> lengths;
  std::vector<bool> mask;  // true: the row is valid; empty: all are
};

// Chunks are read when they are asked for, so that memory holds one at a time.
class RowChunks {
 public:
  // `range` "A:B" says which rows, or with lengths which sequences; "" is all of them. A chunk
  // holds `rows_per_chunk` of those, the last one what is left. INVALID_ARGUMENT where it does not
  // fit, as a layout or a range does not where the number of rows is unknown.
  static absl::StatusOr<RowChunks> Cut(TensorReader tensor, RowLayout layout,
                                       const std::string& range, int64_t rows_per_chunk);

  // Of images [N, C, H, W], or rows [N, C, T]: moves the channels to the last dimension. False
  // where there are no dimensions behind them.
  bool MoveChannelsLast();

  // Makes chunks smaller, down to one unit, until there are `fewest` of them, where their number is
  // known, and until rows of as many bytes as are usual make none larger than `most_bytes`.
  void Refine(int64_t fewest, int64_t most_bytes);

  // Chunks will tell the sequences of rows that stand one after the other, as Compare takes them.
  void TellSequences() { tells_sequences_ = true; }
  // Adds a tensor to each chunk's rows; false unless it is of their tensor's type and shape.
  bool SetResidual(TensorReader residual);

  // The number of chunks, and of their rows; nothing where a pipe does not tell before Read has met
  // its end.
  std::optional<int64_t> count() const;
  std::optional<int64_t> rows() const;
  // Whether chunks can be read again: not those of a pipe.
  bool rereads() const { return tensor_.rereads() && (!residual_ || residual_->rereads()); }

  // Chunk `i`, of a pipe the next one; behind the last one nothing, where a pipe must end. Where
  // `count` is unknown, no more of one is read than its rows of `most_bytes` and a row. Errors as
  // TensorReader's.
  absl::StatusOr<std::optional<v1::Chunk>> Read(
      int64_t i, int64_t most_bytes = std::numeric_limits<int64_t>::max());
  // Ends waiting for a pipe in Read, now and later, from any thread.
  void Cancel() const;

  // A chunk than which none has more rows. Where `count` is unknown, the first one.
  int64_t Largest() const;
  // Of the message that bears chunk `i` with the sequence number i + 1. Nothing is read for it; a
  // chunk of unknown rows counts as full until Read has met the end.
  int64_t MessageBytes(int64_t i) const;

  // Of all chunks together; its first dimension is -1 as long as it is unknown.
  std::vector<int64_t> shape() const;
  // As a stream is opened with; [1] for a tensor of one dimension.
  std::vector<int64_t> row_shape() const;
  int64_t row_bytes() const { return tensor_.row_bytes(); }
  // Of a full chunk without lengths, in rows.
  int64_t rows_per_chunk() const { return units_per_chunk_; }
  v1::ElementType element_type() const { return tensor_.element_type(); }

 private:
  explicit RowChunks(TensorReader tensor) : tensor_(std::move(tensor)) {}

  // The units, rows or sequences, of chunk `i`.
  RowRange Units(int64_t i) const;
  // Where the unit begins; counted from the range's first one.
  int64_t Row(int64_t unit) const {
    return starts_.empty() ? first_ + unit : starts_[first_ + unit];
  }
  RowRange Rows(const RowRange& units) const { return {Row(units.begin), Row(units.end)}; }
  // All of a chunk but its elements.
  v1::Chunk Frame(const RowRange& units) const;
  void MoveChannelsLast(std::string& rows) const;

  TensorReader tensor_;
  std::optional<TensorReader> residual_;
  RowLayout layout_;
  std::vector<int64_t> starts_;  // of sequences one after the other; empty where units are rows
  int64_t first_ = 0;
  std::optional<int64_t> units_;
  int64_t units_per_chunk_ = 1;
  bool tells_sequences_ = false;
  bool moves_channels_ = false;
};

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_ROW_CHUNKS_H_
