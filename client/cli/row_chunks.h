// A tensor's rows, its first dimension, cut into the chunks of a stream.
#ifndef NORMD_CLIENT_CLI_ROW_CHUNKS_H_
#define NORMD_CLIENT_CLI_ROW_CHUNKS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
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

class RowChunks {
 public:
  // `range` "A:B" says which rows, or with lengths which sequences; "" is all of them. A chunk
  // holds `rows_per_chunk` of those, the last one what is left. INVALID_ARGUMENT where it does not
  // fit.
  static absl::StatusOr<RowChunks> Cut(v1::Tensor tensor, RowLayout layout,
                                       const std::string& range, int64_t rows_per_chunk);

  // Of images [N, C, H, W], or rows [N, C, T]: moves the channels to the last dimension. False
  // where there are no dimensions behind them.
  bool MoveChannelsLast();

  // Chunks will tell the sequences of rows that stand one after the other, as Compare takes them.
  void TellSequences() { tells_sequences_ = true; }
  // Adds a tensor to each chunk's rows; false unless it is of their tensor's type and shape.
  bool SetResidual(v1::Tensor residual);

  int64_t count() const { return (units_ + units_per_chunk_ - 1) / units_per_chunk_; }
  v1::Chunk Get(int64_t i) const;
  // A chunk, one of `count`, than which none has more rows.
  int64_t Largest() const;

  // Of all chunks together.
  int64_t rows() const { return Row(units_) - Row(0); }
  int64_t bytes() const { return rows() == 0 ? 0 : rows() * row_bytes(); }
  std::vector<int64_t> shape() const;
  // As a stream is opened with; [1] for a tensor of one dimension.
  std::vector<int64_t> row_shape() const;
  v1::ElementType element_type() const { return tensor_.element_type(); }

 private:
  // Where the unit, a row or a sequence, begins; counted from the range's first one.
  int64_t Row(int64_t unit) const {
    return starts_.empty() ? first_ + unit : starts_[first_ + unit];
  }

  int64_t row_bytes() const {
    return static_cast<int64_t>(tensor_.data().size()) / tensor_.shape(0);
  }

  v1::Tensor tensor_;
  std::string residual_;  // empty: none
  RowLayout layout_;
  std::vector<int64_t> starts_;  // of sequences one after the other; empty where units are rows
  int64_t first_ = 0;
  int64_t units_ = 0;
  int64_t units_per_chunk_ = 1;
  bool tells_sequences_ = false;
};

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_ROW_CHUNKS_H_
