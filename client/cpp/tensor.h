// Tensors from numbers and back.
#ifndef NORMD_CLIENT_CPP_TENSOR_H_
#define NORMD_CLIENT_CPP_TENSOR_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "normd/v1/tensor.pb.h"

namespace normd::client {

// Bytes of one element. UNSPECIFIED is FLOAT32, here and below.
int64_t BytesOf(v1::ElementType type);

// The values of elements on the wire. float64 holds those of every type exactly; float32 all but
// FLOAT64's, which are rounded.
std::vector<double> ToFloat64(v1::ElementType type, absl::string_view data);
std::vector<float> ToFloat32(v1::ElementType type, absl::string_view data);

// A tensor of FLOAT32 or FLOAT64, row-major. `shape` must be that of the values.
v1::Tensor ToTensor(absl::Span<const int64_t> shape, absl::Span<const float> values);
v1::Tensor ToTensor(absl::Span<const int64_t> shape, absl::Span<const double> values);

}  // namespace normd::client

#endif  // NORMD_CLIENT_CPP_TENSOR_H_
