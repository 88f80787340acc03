// A tensor in a file, whose rows are read as they are needed. Its rows are its first dimension.
#ifndef NORMD_CLIENT_CLI_TENSOR_READER_H_
#define NORMD_CLIENT_CLI_TENSOR_READER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cli/input_file.h"
#include "client/cli/tensor_format.h"
#include "normd/v1/tensor.pb.h"

namespace normd::cli {

class TensorReader {
 public:
  // For 'V2', bytes without a type, unless `format.type` is BFLOAT16.
  static constexpr char kWayOut[] = "say so with --type bfloat16";

  // INVALID_ARGUMENT, with the way out, for what is no tensor, or not as many bytes as it needs. Of
  // a pipe, whose bytes are yet to come, that is told by the reads.
  static absl::StatusOr<TensorReader> Open(InputFile file, const TensorFormat& format,
                                           absl::string_view way_out = kWayOut);
  // Of a tensor in memory.
  explicit TensorReader(v1::Tensor tensor);

  v1::ElementType element_type() const { return type_; }
  // The first dimension of a raw pipe may be -1: as many rows as come, known when Read met the end.
  const std::vector<int64_t>& shape() const { return shape_; }
  int64_t row_bytes() const { return row_bytes_; }
  // Whether rows can be read again: not those of a pipe.
  bool rereads() const { return file_.size().has_value(); }

  // The elements of the rows from `begin` up to `end` - 1, which there must be; fewer where the
  // first dimension was -1 and the input ends. Rows of a pipe are waited for, and are read in
  // order. Errors as InputFile's; INVALID_ARGUMENT where a pipe ends too soon, or within a row;
  // DATA_LOSS where a file has become shorter.
  absl::StatusOr<std::string> Read(int64_t begin, int64_t end);

  // After the last Read: waits for a pipe's end. INVALID_ARGUMENT where it has more, or less.
  absl::Status ReadEnd();

  // Instead of other reads. Of a pipe no more is read than it must hold, and a byte. Errors as
  // Read's and ReadEnd's.
  absl::StatusOr<v1::Tensor> ReadAll();
  // Of a pipe, as ReadAll: its rows are then in memory and can be read again.
  absl::Status Load();

  // As InputFile's.
  void Cancel() const { file_.Cancel(); }

 private:
  explicit TensorReader(InputFile file) : file_(std::move(file)) {}
  absl::Status SetNpy(const TensorFormat& format, absl::string_view way_out);
  absl::Status SetRaw(const TensorFormat& format);
  void SetShape(std::vector<int64_t> shape, int64_t element_bytes);
  // `size` bytes of the data from its byte `begin` on; as Read.
  absl::StatusOr<std::string> ReadData(int64_t begin, int64_t size);
  absl::StatusOr<std::string> ReadAllData();
  absl::Status Invalid(absl::string_view what) const;
  // Of data of `held` bytes, "8" or "more than 8".
  absl::Status WrongSize(absl::string_view held) const;
  absl::Status NoWholeRows(int64_t held) const;
  absl::Status HasShrunk() const;

  InputFile file_;
  bool is_raw_ = false;
  int64_t begin_ = 0;  // of the data
  v1::ElementType type_ = v1::ELEMENT_TYPE_UNSPECIFIED;
  std::vector<int64_t> shape_;
  int64_t row_bytes_ = 0;
  int64_t bytes_ = 0;  // of the data; -1 where the first dimension is
};

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_TENSOR_READER_H_
