// One element to and from float64, in plain C++: what defines the bits.
#ifndef NORMD_CORE_KERNELS_ELEMENT_CONVERSION_H_
#define NORMD_CORE_KERNELS_ELEMENT_CONVERSION_H_

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

#include "core/tensor/element_type.h"

namespace normd::kernels {

// What a 16-bit type's numbers are: `bits` of significand, the hidden one among them, and the power
// of two of the smallest normal number.
template <typename T>
struct Precision;
template <>
struct Precision<Float16> {
  static constexpr int kBits = 11;
  static constexpr double kSmallestNormal = 0x1p-14;
};
template <>
struct Precision<BFloat16> {
  static constexpr int kBits = 8;
  static constexpr double kSmallestNormal = 0x1p-126;
};

// 1.5 times the power of two that a number's own must be multiplied by for the last bit of the
// product to weigh as much as the last of T's precision does in the number.
template <typename T>
inline constexpr double kMagic = 1.5 *
                                 static_cast<double>(int64_t{1} << (53 - Precision<T>::kBits));

// Both types overflow far below: such values keep their own way to infinity.
inline constexpr double kLargestRounded = 0x1p200;
inline constexpr uint64_t kExponentOfDouble = 0x7FF0000000000000;

// `value` rounded to the nearest number of T's precision, ties to even, its subnormals among them;
// with an exponent above T's it becomes infinite when converted. Adding a number
// whose last bit weighs as much as T's, and taking it away, does the rounding.
template <typename T>
double RoundToPrecision(double value) {
  const double power = std::bit_cast<double>(std::bit_cast<uint64_t>(value) & kExponentOfDouble);
  const double smallest = Precision<T>::kSmallestNormal;
  const double scale = power < smallest ? smallest : power;
  const double magic = scale * kMagic<T>;
  const double rounded = std::copysign((value + magic) - magic, value);
  return std::fabs(value) < kLargestRounded ? rounded : value;
}

inline double ToDouble(float value) { return value; }
inline double ToDouble(double value) { return value; }
inline double ToDouble(BFloat16 value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16);
}
inline double ToDouble(Float16 value) {
  const uint32_t sign = static_cast<uint32_t>(value.bits & 0x8000) << 16;
  const uint32_t rest = value.bits & 0x7FFF;
  if (rest < 0x0400) {  // subnormal, or zero
    return std::copysign(rest * 0x1p-24, std::bit_cast<float>(sign | 0x3F800000));
  }
  const uint32_t exponent = rest >= 0x7C00 ? 0x7F800000 - (0x7C00 << 13) : (127 - 15) << 23;
  return std::bit_cast<float>(sign | ((rest << 13) + exponent));
}

template <typename T>
T FromDouble(double value);

// The largest number of T that is not above `limit`, which is above 0.
template <typename T>
double LargestAtMost(double limit);

template <>
inline float FromDouble<float>(double value) {
  return static_cast<float>(value);
}
template <>
inline double FromDouble<double>(double value) {
  return value;
}
template <>
inline BFloat16 FromDouble<BFloat16>(double value) {
  const auto rounded = static_cast<float>(RoundToPrecision<BFloat16>(value));
  return {static_cast<uint16_t>(std::bit_cast<uint32_t>(rounded) >> 16)};
}
template <>
inline Float16 FromDouble<Float16>(double value) {
  const double rounded = RoundToPrecision<Float16>(value);
  const auto single = static_cast<float>(std::fabs(rounded));
  const auto sign = static_cast<uint16_t>(std::signbit(value) ? 0x8000 : 0);
  if (std::isnan(value)) return {static_cast<uint16_t>(sign | 0x7E00)};
  if (single >= 65536) return {static_cast<uint16_t>(sign | 0x7C00)};
  if (single < 0x1p-14F) return {static_cast<uint16_t>(sign | static_cast<int>(single * 0x1p24F))};
  const uint32_t bits = std::bit_cast<uint32_t>(single) - ((127 - 15) << 23);
  return {static_cast<uint16_t>(sign | (bits >> 13))};
}

// The one NaN that comes out.
inline constexpr double kCanonicalNan = std::numeric_limits<double>::quiet_NaN();

template <typename T>
double LargestAtMost(double limit) {
  using Bits = std::conditional_t<sizeof(T) == 2, uint16_t,
                                  std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>;
  const T rounded = FromDouble<T>(limit);
  if (ToDouble(rounded) <= limit) return ToDouble(rounded);
  // Numbers above 0 are in the order of their bits.
  return ToDouble(std::bit_cast<T>(static_cast<Bits>(std::bit_cast<Bits>(rounded) - 1)));
}

// Elements may lie at any address, as the bytes of a message do.
template <typename T>
double LoadElement(const T* from) {
  T value;
  std::memcpy(&value, static_cast<const void*>(from), sizeof(value));
  return ToDouble(value);
}

// The same as float32, exactly: of types that are no wider.
template <typename T>
float LoadFloat(const T* from) {
  static_assert(sizeof(T) <= sizeof(float));
  return static_cast<float>(LoadElement(from));
}

// What is not below it is NaN, infinite, or of float64 and so large that sums of squares could
// overflow: those of 2^60 values below it cannot. (No other type holds such numbers.)
inline constexpr double kLargestMagnitude = 0x1p480;

template <typename T>
void StoreElement(double value, T* to) {
  const T element = FromDouble<T>(value);
  std::memcpy(static_cast<void*>(to), &element, sizeof(element));
}

}  // namespace normd::kernels

#endif  // NORMD_CORE_KERNELS_ELEMENT_CONVERSION_H_
