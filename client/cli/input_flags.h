// The tensor that a command streams, as flags.
#ifndef NORMD_CLIENT_CLI_INPUT_FLAGS_H_
#define NORMD_CLIENT_CLI_INPUT_FLAGS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "client/cli/row_chunks.h"
#include "client/cli/tensor_file.h"

namespace normd::cli {

struct InputFlags {
  std::string path;
  TensorFormat format;
  std::string rows;
  std::string lengths_path;
  std::string mask_path;
  std::string residual_path;

  void AddTo(CLI::App& command);
  void AddResidualTo(CLI::App& command);
};

// INVALID_ARGUMENT or NOT_FOUND where a file cannot be read or they do not fit together.
absl::StatusOr<RowChunks> ReadChunks(const InputFlags& flags, int64_t rows_per_chunk);

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_INPUT_FLAGS_H_
