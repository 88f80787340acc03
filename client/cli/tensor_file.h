// Whole tensors from files and into them. The path "-" is standard input.
#ifndef NORMD_CLIENT_CLI_TENSOR_FILE_H_
#define NORMD_CLIENT_CLI_TENSOR_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/cli/output_file.h"
#include "client/cli/tensor_format.h"
#include "normd/v1/tensor.pb.h"

namespace normd::cli {

// Errors are those of InputFile and TensorReader.
absl::StatusOr<v1::Tensor> ReadTensor(const std::string& path, const TensorFormat& format);

// For files of parameters, whose type nothing else tells: .npy, and not bfloat16. Errors as
// ReadTensor's.
absl::StatusOr<v1::Tensor> ReadParameter(const std::string& path);

// All of it, and commits it. FAILED_PRECONDITION where that fails.
absl::Status WriteTensor(OutputFile& file, const v1::Tensor& tensor, bool raw);

// A .npy file of one dimension of int64, or of booleans. Errors as ReadTensor's.
absl::StatusOr<std::vector<int64_t>> ReadIntegers(const std::string& path);
absl::StatusOr<std::vector<bool>> ReadBooleans(const std::string& path);

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_TENSOR_FILE_H_
