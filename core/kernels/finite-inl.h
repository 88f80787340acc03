// Whether elements are finite. Included once per SIMD target.
#if defined(NORMD_CORE_KERNELS_FINITE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NORMD_CORE_KERNELS_FINITE_INL_H_
#undef NORMD_CORE_KERNELS_FINITE_INL_H_
#else
#define NORMD_CORE_KERNELS_FINITE_INL_H_
#endif

#include "core/kernels/elements-inl.h"

#if !NORMD_TARGET_IS_PORTABLE
HWY_BEFORE_NAMESPACE();
namespace normd::kernels {
namespace HWY_NAMESPACE {

// The bits of elements as integers, and those of their exponents.
template <typename T>
struct BitsOf;
template <>
struct BitsOf<float> {
  using Type = uint32_t;
  static constexpr Type kExponent = 0x7F800000;
};
template <>
struct BitsOf<Float16> {
  using Type = uint16_t;
  static constexpr Type kExponent = 0x7C00;
};
template <>
struct BitsOf<BFloat16> {
  using Type = uint16_t;
  static constexpr Type kExponent = 0x7F80;
};
template <>
struct BitsOf<double> {
  using Type = uint64_t;
  static constexpr Type kExponent = uint64_t{1023 + 480} << 52;  // of kLargestMagnitude
};

template <typename T>
HWY_INLINE bool AllFiniteOf(const T* x, int64_t size) {
  using Bits = hn::ScalableTag<typename BitsOf<T>::Type>;
  using Signed = hn::RebindToSigned<Bits>;
  constexpr int64_t kStep = hn::MaxLanes(Bits());
  const auto limit = hn::Set(Signed(), static_cast<hn::TFromD<Signed> >(BitsOf<T>::kExponent - 1));
  auto found = hn::Zero(Bits());
  int64_t i = 0;
  for (; i + kStep <= size; i += kStep) {
    const auto bits = hn::LoadU(Bits(), reinterpret_cast<const typename BitsOf<T>::Type*>(x + i));
    // Without its sign; numbers are in the order of their bits.
    const auto magnitude = hn::BitCast(Signed(), hn::ShiftRight<1>(hn::ShiftLeft<1>(bits)));
    const auto is_beyond = hn::VecFromMask(Signed(), hn::Gt(magnitude, limit));
    found = hn::Or(found, hn::BitCast(Bits(), is_beyond));
  }
  const bool any = !hn::AllTrue(Bits(), hn::Eq(found, hn::Zero(Bits())));
  return !any && portable::AllFinite({ElementTypeOf<T>(), x + i}, size - i);
}

// Whether elements were finite that passed by as vectors of D, float32 or float64, or one by one.
// Nothing times 0 is 0 that is not finite; adding it leaves NaN.
template <class D>
struct FiniteCheck {
  hn::Vec<D> seen;
  hn::TFromD<D> seen_alone;

  HWY_INLINE void Clear() {
    seen = hn::Zero(D());
    seen_alone = 0;
  }
  template <class E>
  HWY_INLINE void Add(E e, hn::Vec<E> value) {
    if constexpr (!kIsOfFloats<E>) {  // kLargestMagnitude becomes infinite
      value = hn::Mul(value, hn::Set(e, 0x1p1023 / (kLargestMagnitude / 2)));
    }
    if constexpr (kIsOne<E>) {
      seen_alone += hn::GetLane(value) * 0;
    } else {
      seen = hn::MulAdd(value, hn::Zero(e), seen);
    }
  }
  HWY_INLINE bool AllFinite() const {
    return hn::AllTrue(D(), hn::Eq(seen, hn::Zero(D()))) && seen_alone == 0;
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace normd::kernels
HWY_AFTER_NAMESPACE();
#endif  // !NORMD_TARGET_IS_PORTABLE

#endif  // include guard
