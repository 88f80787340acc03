// Tensors in files: .npy, or raw, which is the elements alone, little-endian. The path "-" is
// standard input or output.
#ifndef NORMD_CLIENT_CLI_TENSOR_FILE_H_
#define NORMD_CLIENT_CLI_TENSOR_FILE_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cli/choice.h"
#include "normd/v1/tensor.pb.h"

namespace normd::cli {

// "float32", ...
const Choices<v1::ElementType>& ElementTypes();
std::string NameOf(v1::ElementType type);

// What a file does not say itself.
struct TensorFormat {
  bool raw = false;
  v1::ElementType type = v1::ELEMENT_TYPE_UNSPECIFIED;  // of raw elements, and BFLOAT16 for .npy
  std::vector<int64_t> shape;  // of raw elements; the first may be -1: as many as there are

  void AddTo(CLI::App& command);
};

// NOT_FOUND where there is no such file; INVALID_ARGUMENT, with the way out, for what is no tensor.
// NumPy saves bfloat16 as 'V2', bytes without a type: read where `format.type` is BFLOAT16.
absl::StatusOr<v1::Tensor> ReadTensor(const std::string& path, const TensorFormat& format);

// For files of parameters, whose type nothing else tells: .npy, and not bfloat16. Errors as
// ReadTensor's.
absl::StatusOr<v1::Tensor> ReadParameter(const std::string& path);

// FAILED_PRECONDITION where `path` could not be written now; it is left as it is. "" is no file.
absl::Status CheckWritable(const std::string& path);

// Over what there was. FAILED_PRECONDITION where that fails.
absl::Status WriteTensor(const std::string& path, const v1::Tensor& tensor, bool raw);

// A .npy file of one dimension of int64, or of booleans. Errors as ReadTensor's.
absl::StatusOr<std::vector<int64_t>> ReadIntegers(const std::string& path);
absl::StatusOr<std::vector<bool>> ReadBooleans(const std::string& path);

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_TENSOR_FILE_H_
