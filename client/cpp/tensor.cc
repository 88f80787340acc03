#include "client/cpp/tensor.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace normd::client {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are little-endian on the wire");

float FromFloat16(uint16_t bits) {
  const uint32_t sign = (bits & 0x8000U) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1FU;
  const uint32_t fraction = bits & 0x3FFU;
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(fraction), -24);
    return sign != 0 ? -magnitude : magnitude;
  }
  const uint32_t wide_exponent = exponent == 0x1F ? 0xFF : exponent + 127 - 15;
  return std::bit_cast<float>(sign | wide_exponent << 23 | fraction << 13);
}

float FromBfloat16(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

template <typename Value, typename Stored, typename Convert>
std::vector<Value> Values(absl::string_view data, Convert convert) {
  std::vector<Value> values(data.size() / sizeof(Stored));
  for (size_t i = 0; i < values.size(); ++i) {
    Stored stored;
    std::memcpy(&stored, data.data() + i * sizeof(Stored), sizeof(Stored));
    values[i] = static_cast<Value>(convert(stored));
  }
  return values;
}

template <typename Value>
std::vector<Value> ToValues(v1::ElementType type, absl::string_view data) {
  switch (type) {
    case v1::ELEMENT_TYPE_FLOAT64:
      return Values<Value, double>(data, [](double value) { return value; });
    case v1::ELEMENT_TYPE_FLOAT16:
      return Values<Value, uint16_t>(data, FromFloat16);
    case v1::ELEMENT_TYPE_BFLOAT16:
      return Values<Value, uint16_t>(data, FromBfloat16);
    default:
      return Values<Value, float>(data, [](float value) { return value; });
  }
}

template <typename Value>
v1::Tensor FromValues(v1::ElementType type, absl::Span<const int64_t> shape,
                      absl::Span<const Value> values) {
  v1::Tensor tensor;
  tensor.set_element_type(type);
  tensor.mutable_shape()->Assign(shape.begin(), shape.end());
  tensor.set_data(values.data(), values.size() * sizeof(Value));
  return tensor;
}

}  // namespace

int64_t BytesOf(v1::ElementType type) {
  switch (type) {
    case v1::ELEMENT_TYPE_FLOAT64:
      return 8;
    case v1::ELEMENT_TYPE_FLOAT16:
    case v1::ELEMENT_TYPE_BFLOAT16:
      return 2;
    default:
      return 4;
  }
}

std::vector<double> ToFloat64(v1::ElementType type, absl::string_view data) {
  return ToValues<double>(type, data);
}

std::vector<float> ToFloat32(v1::ElementType type, absl::string_view data) {
  return ToValues<float>(type, data);
}

v1::Tensor ToTensor(absl::Span<const int64_t> shape, absl::Span<const float> values) {
  return FromValues(v1::ELEMENT_TYPE_FLOAT32, shape, values);
}

v1::Tensor ToTensor(absl::Span<const int64_t> shape, absl::Span<const double> values) {
  return FromValues(v1::ELEMENT_TYPE_FLOAT64, shape, values);
}

}  // namespace normd::client
