// How tensors stand in files: .npy, or raw, which is the elements alone, little-endian.
#ifndef NORMD_CLIENT_CLI_TENSOR_FORMAT_H_
#define NORMD_CLIENT_CLI_TENSOR_FORMAT_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
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

// The types that .npy files may have, by NumPy's names; the first one with a type is that which is
// written. NumPy saves bfloat16 as 'V2', bytes without a type.
absl::Span<const std::pair<absl::string_view, v1::ElementType>> NpyTypes();

// What stands before a tensor's elements in a file: nothing where it is `raw`.
std::string TensorHeader(v1::ElementType type, absl::Span<const int64_t> shape, bool raw);

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_TENSOR_FORMAT_H_
