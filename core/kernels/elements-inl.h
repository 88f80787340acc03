// Elements as vectors of float64, and the loop over them. Included once per SIMD target.
#if defined(NORMD_CORE_KERNELS_ELEMENTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NORMD_CORE_KERNELS_ELEMENTS_INL_H_
#undef NORMD_CORE_KERNELS_ELEMENTS_INL_H_
#else
#define NORMD_CORE_KERNELS_ELEMENTS_INL_H_
#endif

#include <cstddef>
#include <cstdint>

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

// Loads and stores of floats at any address. A vector of one goes by memcpy: Highway would
// dereference the pointer.
template <class D>
HWY_INLINE hn::Vec<D> Widen(D d, const float* from) {
  if constexpr (hn::MaxLanes(D()) == 1) {
    return hn::Set(d, static_cast<double>(LoadFloat(from)));
  } else {
    return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), from));
  }
}

template <class D>
HWY_INLINE void Narrow(D d, hn::Vec<D> value, float* to) {
  if constexpr (hn::MaxLanes(D()) == 1) {
    (void)d;
    StoreFloat(static_cast<float>(hn::GetLane(value)), to);
  } else {
    const hn::Rebind<float, D> floats;
    hn::StoreU(hn::DemoteTo(floats, value), floats, to);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace normd::kernels
HWY_AFTER_NAMESPACE();
#endif  // !NORMD_TARGET_IS_PORTABLE

#endif  // include guard
