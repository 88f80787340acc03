#include "server/rpc/tensor_conversion.h"

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "core/kernels/element_conversion.h"
#include "core/tensor/shape.h"

namespace normd::server {
absl::Status FromProto(v1::ElementType proto, absl::string_view field, ElementType* type) {
  switch (proto) {
    case v1::ELEMENT_TYPE_UNSPECIFIED:
      return absl::OkStatus();
    case v1::ELEMENT_TYPE_FLOAT32:
      *type = ElementType::kFloat32;
      return absl::OkStatus();
    case v1::ELEMENT_TYPE_FLOAT64:
      *type = ElementType::kFloat64;
      return absl::OkStatus();
    case v1::ELEMENT_TYPE_FLOAT16:
      *type = ElementType::kFloat16;
      return absl::OkStatus();
    case v1::ELEMENT_TYPE_BFLOAT16:
      *type = ElementType::kBFloat16;
      return absl::OkStatus();
    default:
      return InvalidFieldError(field, "must be FLOAT32, FLOAT64, FLOAT16 or BFLOAT16");
  }
}

v1::ElementType ToProto(ElementType type) {
  switch (type) {
    case ElementType::kFloat64:
      return v1::ELEMENT_TYPE_FLOAT64;
    case ElementType::kFloat16:
      return v1::ELEMENT_TYPE_FLOAT16;
    case ElementType::kBFloat16:
      return v1::ELEMENT_TYPE_BFLOAT16;
    case ElementType::kFloat32:
      break;
  }
  return v1::ELEMENT_TYPE_FLOAT32;
}

absl::StatusOr<AffineParameter> ReadTensor(const v1::Tensor& proto) {
  AffineParameter result;
  result.shape.assign(proto.shape().begin(), proto.shape().end());
  const absl::StatusOr<int64_t> count = ElementCount(result.shape);
  if (!count.ok()) return count.status();
  if (proto.element_type() == v1::ELEMENT_TYPE_UNSPECIFIED) {
    return InvalidFieldError("element_type", "must be set");
  }
  ElementType type = ElementType::kFloat32;
  NORMD_RETURN_IF_ERROR(FromProto(proto.element_type(), "element_type", &type));
  const int64_t element_size = SizeOf(type);
  const auto size = static_cast<int64_t>(proto.data().size());
  if (size % element_size != 0 || size / element_size != *count) {
    return InvalidFieldError(
        "data", absl::StrCat("holds ", size, " bytes, but shape ", ToString(result.shape), " of ",
                             element_size, "-byte elements needs ", *count, " elements"));
  }
  result.values.reserve(*count);
  VisitElementType(type, [&]<typename T>(ElementTag<T>) {
    const auto* elements = reinterpret_cast<const T*>(proto.data().data());
    for (int64_t i = 0; i < *count; ++i)
      result.values.push_back(kernels::LoadElement(elements + i));
  });
  return result;
}

void WriteTensor(absl::Span<const int64_t> shape, absl::Span<const double> values,
                 v1::Tensor* proto) {
  proto->set_element_type(v1::ELEMENT_TYPE_FLOAT64);
  proto->mutable_shape()->Assign(shape.begin(), shape.end());
  proto->set_data(values.data(), values.size() * sizeof(double));
}

void WriteTensor(absl::Span<const double> values, v1::Tensor* proto) {
  WriteTensor({static_cast<int64_t>(values.size())}, values, proto);
}

}  // namespace normd::server
