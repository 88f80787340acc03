// NumPy's .npy files: float32 arrays in C order. The format is NumPy's NEP 1, versions 1 to 3.
#ifndef NORMD_CLIENT_CLI_NPY_H_
#define NORMD_CLIENT_CLI_NPY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace normd::cli {

struct Array {
  std::vector<int64_t> shape;
  std::vector<float> values;  // row-major
};

// Reads '<f4' in C order. NOT_FOUND where there is no such file; INVALID_ARGUMENT, with the way
// out, for anything else than such an array.
absl::StatusOr<Array> ReadNpy(const std::string& path);

// Writes version 1.0, over what there was. UNAVAILABLE where that fails.
absl::Status WriteNpy(const std::string& path, const Array& array);

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_NPY_H_
