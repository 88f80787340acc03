// The tensor that a command streams, as flags.
#ifndef NORMD_CLIENT_CLI_INPUT_FLAGS_H_
#define NORMD_CLIENT_CLI_INPUT_FLAGS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "client/cli/row_chunks.h"
#include "client/cli/tensor_format.h"

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

enum class Reading {
  kByChunks,  // a pipe's rows as they come
  kWhole,     // a pipe into memory, as what needs all rows at once does
};

// INVALID_ARGUMENT or NOT_FOUND where a file cannot be read or they do not fit together. A raw pipe
// of -1 rows is read whole where their number is needed: with a range, lengths, mask or residual.
absl::StatusOr<RowChunks> OpenChunks(const InputFlags& flags, int64_t rows_per_chunk,
                                     Reading how = Reading::kByChunks);

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_INPUT_FLAGS_H_
