#include "server/rpc/tensor_conversion.h"

#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "core/tensor/shape.h"

namespace normd::server {
namespace {

template <typename Element>
std::vector<double> Widen(const std::string& data) {
  std::vector<Element> elements(data.size() / sizeof(Element));
  std::memcpy(elements.data(), data.data(), elements.size() * sizeof(Element));
  return std::vector<double>(elements.begin(), elements.end());
}

}  // namespace

absl::StatusOr<AffineParameter> ReadTensor(const v1::Tensor& proto) {
  AffineParameter result;
  result.shape.assign(proto.shape().begin(), proto.shape().end());
  const absl::StatusOr<int64_t> count = ElementCount(result.shape);
  if (!count.ok()) return count.status();
  int64_t element_size = 0;
  if (proto.element_type() == v1::ELEMENT_TYPE_FLOAT32) {
    element_size = sizeof(float);
  } else if (proto.element_type() == v1::ELEMENT_TYPE_FLOAT64) {
    element_size = sizeof(double);
  } else {
    return InvalidFieldError("element_type", "must be FLOAT32 or FLOAT64");
  }
  const auto size = static_cast<int64_t>(proto.data().size());
  if (size % element_size != 0 || size / element_size != *count) {
    return InvalidFieldError(
        "data", absl::StrCat("holds ", size, " bytes, but shape ", ToString(result.shape), " of ",
                             element_size, "-byte elements needs ", *count, " elements"));
  }
  result.values =
      element_size == sizeof(float) ? Widen<float>(proto.data()) : Widen<double>(proto.data());
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
