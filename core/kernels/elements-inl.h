// Elements as vectors of float64, and the loop over them. Included once per SIMD target.
#if defined(NORMD_CORE_KERNELS_ELEMENTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NORMD_CORE_KERNELS_ELEMENTS_INL_H_
#undef NORMD_CORE_KERNELS_ELEMENTS_INL_H_
#else
#define NORMD_CORE_KERNELS_ELEMENTS_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "core/kernels/element_conversion.h"
#include "core/kernels/portable.h"
#include "hwy/highway.h"

// Whether the current target has no vectors of float64 and takes the portable kernels.
#undef NORMD_TARGET_IS_PORTABLE
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128 || !HWY_HAVE_FLOAT64
#define NORMD_TARGET_IS_PORTABLE 1
#else
#define NORMD_TARGET_IS_PORTABLE 0
#endif

#if !NORMD_TARGET_IS_PORTABLE
HWY_BEFORE_NAMESPACE();
namespace normd::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::ScalableTag<double>;
using OneDouble = hn::CappedTag<double, 1>;
using DoubleVector = hn::Vec<Doubles>;
inline constexpr int64_t kWidth = hn::MaxLanes(Doubles());

// op(tag, i) for each vector of elements from i on, then for each single element of the rest.
template <class Op>
HWY_INLINE void ForEachElement(int64_t size, const Op& op) {
  int64_t i = 0;
  for (; i + kWidth <= size; i += kWidth) op(Doubles(), i);
  for (; i < size; ++i) op(OneDouble(), i);
}

// Loads of elements at any address, as float64. A vector of one goes by memcpy: Highway would
// dereference the pointer.
template <class D, typename T>
HWY_INLINE hn::Vec<D> Widen(D d, const T* from) {
  if constexpr (hn::MaxLanes(D()) == 1) {
    return hn::Set(d, LoadElement(from));
  } else if constexpr (std::is_same_v<T, double>) {
    return hn::LoadU(d, from);
  } else if constexpr (std::is_same_v<T, float>) {
    return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), from));
  } else if constexpr (std::is_same_v<T, Float16>) {
    const hn::Rebind<hwy::float16_t, D> halves;
    const auto bits = hn::LoadU(halves, reinterpret_cast<const hwy::float16_t*>(from));
    return hn::PromoteTo(d, hn::PromoteTo(hn::Rebind<float, D>(), bits));
  } else {
    const hn::Rebind<uint16_t, D> upper_halves;
    const hn::Rebind<uint32_t, D> words;
    const auto bits = hn::LoadU(upper_halves, reinterpret_cast<const uint16_t*>(from));
    const auto word = hn::ShiftLeft<16>(hn::PromoteTo(words, bits));
    return hn::PromoteTo(d, hn::BitCast(hn::Rebind<float, D>(), word));
  }
}

// RoundToPrecision on vectors.
template <typename T, class D>
HWY_INLINE hn::Vec<D> Round(D d, hn::Vec<D> value) {
  const hn::RebindToUnsigned<D> bits;
  const auto exponent = hn::And(hn::BitCast(bits, value), hn::Set(bits, kExponentOfDouble));
  const auto power = hn::BitCast(d, exponent);
  const auto smallest = hn::Set(d, Precision<T>::kSmallestNormal);
  const auto scale = hn::IfThenElse(hn::Lt(power, smallest), smallest, power);
  const auto magic = hn::Mul(scale, hn::Set(d, kMagic<T>));
  const auto rounded = hn::CopySign(hn::Sub(hn::Add(value, magic), magic), value);
  return hn::IfThenElse(hn::Lt(hn::Abs(value), hn::Set(d, kLargestRounded)), rounded, value);
}

// Stores of float64 as elements at any address, rounded to nearest even once.
template <class D, typename T>
HWY_INLINE void Narrow(D d, hn::Vec<D> value, T* to) {
  const hn::Rebind<float, D> floats;
  (void)d;
  (void)floats;
  if constexpr (hn::MaxLanes(D()) == 1) {
    StoreElement(hn::GetLane(value), to);
  } else if constexpr (std::is_same_v<T, double>) {
    hn::StoreU(value, d, to);
  } else if constexpr (std::is_same_v<T, float>) {
    hn::StoreU(hn::DemoteTo(floats, value), floats, to);
  } else if constexpr (std::is_same_v<T, Float16>) {
    const hn::Rebind<hwy::float16_t, D> halves;
    const auto rounded = hn::DemoteTo(floats, Round<T>(d, value));
    hn::StoreU(hn::DemoteTo(halves, rounded), halves, reinterpret_cast<hwy::float16_t*>(to));
  } else {
    const hn::Rebind<uint16_t, D> upper_halves;
    const hn::Rebind<uint32_t, D> words;
    const auto rounded = hn::DemoteTo(floats, Round<T>(d, value));
    const auto upper = hn::ShiftRight<16>(hn::BitCast(words, rounded));
    const auto result = hn::DemoteTo(upper_halves, hn::BitCast(hn::Rebind<int32_t, D>(), upper));
    hn::StoreU(result, upper_halves, reinterpret_cast<uint16_t*>(to));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace normd::kernels
HWY_AFTER_NAMESPACE();
#endif  // !NORMD_TARGET_IS_PORTABLE

#endif  // include guard
