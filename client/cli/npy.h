// NumPy's .npy files: arrays in C order. The format is NumPy's NEP 1, versions 1 to 3.
#ifndef NORMD_CLIENT_CLI_NPY_H_
#define NORMD_CLIENT_CLI_NPY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace normd::cli {

// An array as such a file holds it.
struct NpyArray {
  std::string type;  // NumPy's: "<f4"; its digit is an element's bytes
  std::vector<int64_t> shape;
  std::string data;  // row-major
};

// Reads the bytes of a whole file; `name` is its, for errors. INVALID_ARGUMENT, with the way out,
// for anything else than such an array of one of `types`.
absl::StatusOr<NpyArray> ParseNpy(const std::string& name, std::string file,
                                  absl::Span<const absl::string_view> types);

// What stands before the data in version 1.0.
std::string NpyHeader(absl::string_view type, absl::Span<const int64_t> shape);

// The product of `shape`; -1 where a dimension is negative or elements of `element_bytes` would
// count more bytes than int64 does.
int64_t SizeOf(absl::Span<const int64_t> shape, int64_t element_bytes);

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_NPY_H_
