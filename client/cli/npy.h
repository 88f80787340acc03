// NumPy's .npy files: arrays in C order. The format is NumPy's NEP 1, versions 1 to 3.
#ifndef NORMD_CLIENT_CLI_NPY_H_
#define NORMD_CLIENT_CLI_NPY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "client/cli/input_file.h"

namespace normd::cli {

// What such a file's header says.
struct NpyArray {
  std::string type;  // NumPy's: "<f4"
  std::vector<int64_t> shape;
  int64_t element_bytes = 0;
  int64_t begin = 0;  // where the data is: elements, row-major
};

// Reads the header, which `file` begins with. INVALID_ARGUMENT, with the way out, for anything else
// than an array of one of `types`, and where size() tells that the data is not what it needs.
absl::StatusOr<NpyArray> ReadNpy(InputFile& file, absl::Span<const absl::string_view> types);

// Data of `held` bytes, "8" or "more than 8", that is not what the shape needs.
absl::Status WrongNpyData(const std::string& name, absl::string_view held, int64_t needed);

// What stands before the data in version 1.0.
std::string NpyHeader(absl::string_view type, absl::Span<const int64_t> shape);

// The product of `shape`; -1 where a dimension is negative or elements of `element_bytes` would
// count more bytes than int64 does.
int64_t SizeOf(absl::Span<const int64_t> shape, int64_t element_bytes);

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_NPY_H_
