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
#include "hwy/cache_control.h"
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

// Arithmetic is in vectors of float64 or of float32: a tag D below is of either.
using Doubles = hn::ScalableTag<double>;
using Floats = hn::ScalableTag<float>;
using DoubleVector = hn::Vec<Doubles>;
inline constexpr int64_t kWidth = hn::MaxLanes(Doubles());

template <class D>
inline constexpr bool kIsOne = hn::MaxLanes(D()) == 1;

template <class D>
inline constexpr bool kIsOfFloats = std::is_same_v<hn::TFromD<D>, float>;

// op(tag, i) for each vector of elements from i on, then for each single element of the rest;
// before, op.Two(tag, i) for two vectors at a time, where it has that.
template <class D = Doubles, class Op>
HWY_INLINE void ForEachElement(int64_t size, Op&& op, int64_t begin = 0) {
  constexpr int64_t kStep = hn::MaxLanes(D());
  int64_t i = begin;
  if constexpr (requires { op.Two(D(), i); }) {
    for (; i + 2 * kStep <= size; i += 2 * kStep) op.Two(D(), i);
  }
  for (; i + kStep <= size; i += kStep) op(D(), i);
  for (; i < size; ++i) op(hn::CappedTag<hn::TFromD<D>, 1>(), i);
}

// Loads of float32 at any address from elements of a type that is no wider. A vector of one goes by
// memcpy, here and below: Highway would dereference the pointer.
template <class D, typename T>
requires kIsOfFloats<D> HWY_INLINE hn::Vec<D> Read(D d, const T* from) {
  if constexpr (kIsOne<D>) {
    return hn::Set(d, LoadFloat(from));
  } else if constexpr (std::is_same_v<T, float>) {
    return hn::LoadU(d, from);
  } else if constexpr (std::is_same_v<T, Float16>) {
    const hn::Rebind<hwy::float16_t, D> halves;
    return hn::PromoteTo(d, hn::LoadU(halves, reinterpret_cast<const hwy::float16_t*>(from)));
  } else {
    const hn::Rebind<uint16_t, D> upper_halves;
    const auto bits = hn::LoadU(upper_halves, reinterpret_cast<const uint16_t*>(from));
    return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(hn::Rebind<uint32_t, D>(), bits)));
  }
}

// Of float64, from elements of any type.
template <class D, typename T>
requires(!kIsOfFloats<D>) HWY_INLINE hn::Vec<D> Read(D d, const T* from) {
  if constexpr (kIsOne<D>) {
    return hn::Set(d, LoadElement(from));
  } else if constexpr (std::is_same_v<T, double>) {
    return hn::LoadU(d, from);
  } else {
    return hn::PromoteTo(d, Read(hn::Rebind<float, D>(), from));
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
  const auto is_rounded = hn::Lt(hn::Abs(value), hn::Set(d, kLargestRounded));
  const auto beyond = hn::IfThenElse(hn::IsNaN(value), hn::Set(d, kCanonicalNan), value);
  return hn::IfThenElse(is_rounded, rounded, beyond);
}

// Asks memory for what will be read next but for 2 KB: farther than its latency, nearer than the
// first cache is large.
template <typename T>
HWY_INLINE void PrefetchFrom(const T* x) {
  hwy::Prefetch(reinterpret_cast<const char*>(x) + 2048);
}

// How a store goes: through the caches, or past them, to an address that vectors divide.
enum class Stores { kCached, kPastCaches };

template <class D, typename T>
HWY_INLINE void Put(D /*d*/, hn::Vec<D> value, T* to, Stores stores) {
  const hn::RebindToUnsigned<D> bits;
  auto* const lanes = reinterpret_cast<hn::TFromD<decltype(bits)>*>(to);
  stores == Stores::kPastCaches ? hn::Stream(hn::BitCast(bits, value), bits, lanes)
                                : hn::StoreU(hn::BitCast(bits, value), bits, lanes);
}

// Words whose upper halves are what float32 rounds to as BFloat16, to nearest even.
template <class D>
HWY_INLINE hn::Vec<hn::Rebind<uint32_t, D>> RoundToUpperHalf(D /*d*/, hn::Vec<D> value) {
  const hn::Rebind<uint32_t, D> words;
  const auto bits = hn::BitCast(words, value);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(words, 1));
  return hn::Add(bits, hn::Add(odd, hn::Set(words, 0x7FFF)));
}

// Stores of float32 at any address as elements of a type that is no wider, rounded to nearest even.
// A NaN that is to become a BFloat16 must have no payload in its lower half, where rounding would
// carry: none has that comes from elements of that type.
template <class D, typename T>
requires kIsOfFloats<D> HWY_INLINE void Write(D d, hn::Vec<D> value, T* to,
                                              Stores stores = Stores::kCached) {
  if constexpr (kIsOne<D>) {
    StoreElement(hn::GetLane(value), to);
  } else if constexpr (std::is_same_v<T, float>) {
    Put(d, value, to, stores);
  } else if constexpr (std::is_same_v<T, Float16>) {
    const hn::Rebind<hwy::float16_t, D> halves;
    Put(halves, hn::DemoteTo(halves, value), to, stores);
  } else {
    const hn::Rebind<int32_t, D> integers;
    const hn::Rebind<uint16_t, D> upper_halves;
    const auto upper = hn::BitCast(integers, hn::ShiftRight<16>(RoundToUpperHalf(d, value)));
    Put(upper_halves, hn::DemoteTo(upper_halves, upper), to, stores);
  }
}

// Two vectors, one after the other.
template <class D, typename T>
HWY_INLINE void WriteTwo(D d, hn::Vec<D> first, hn::Vec<D> second, T* to, Stores stores) {
  if constexpr (std::is_same_v<T, BFloat16>) {
    const hn::Repartition<uint16_t, D> halves;
    const auto low = hn::BitCast(halves, RoundToUpperHalf(d, first));
    const auto high = hn::BitCast(halves, RoundToUpperHalf(d, second));
    Put(halves, hn::ConcatOdd(halves, high, low), to, stores);
  } else {
    Write(d, first, to, stores);
    Write(d, second, to + hn::MaxLanes(D()), stores);
  }
}

// Of float64, as elements of any type.
template <class D, typename T>
requires(!kIsOfFloats<D>) HWY_INLINE void Write(D d, hn::Vec<D> value, T* to) {
  if constexpr (kIsOne<D>) {
    StoreElement(hn::GetLane(value), to);
  } else if constexpr (std::is_same_v<T, double>) {
    hn::StoreU(value, d, to);
  } else if constexpr (std::is_same_v<T, float>) {
    const hn::Rebind<float, D> floats;
    hn::StoreU(hn::DemoteTo(floats, value), floats, to);
  } else {  // what Round leaves converts exactly
    const hn::Rebind<float, D> floats;
    Write(floats, hn::DemoteTo(floats, Round<T>(d, value)), to);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace normd::kernels
HWY_AFTER_NAMESPACE();
#endif  // !NORMD_TARGET_IS_PORTABLE

#endif  // include guard
