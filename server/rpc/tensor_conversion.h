// Element types, and small tensors of parameters and statistics as float64.
#ifndef NORMD_SERVER_RPC_TENSOR_CONVERSION_H_
#define NORMD_SERVER_RPC_TENSOR_CONVERSION_H_

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/method/spec.h"
#include "core/tensor/element_type.h"
#include "normd/v1/tensor.pb.h"

namespace normd::server {

// Into `type`, which stays as it is where the proto's is not set. INVALID_ARGUMENT (field `field`)
// for a type that this server does not know.
absl::Status FromProto(v1::ElementType proto, absl::string_view field, ElementType* type);
v1::ElementType ToProto(ElementType type);

// INVALID_ARGUMENT with the field ("shape", "element_type", "data") where it is no tensor of its
// shape.
absl::StatusOr<AffineParameter> ReadTensor(const v1::Tensor& proto);

// As FLOAT64.
void WriteTensor(absl::Span<const int64_t> shape, absl::Span<const double> values,
                 v1::Tensor* proto);
void WriteTensor(absl::Span<const double> values, v1::Tensor* proto);  // of rank 1

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_TENSOR_CONVERSION_H_
