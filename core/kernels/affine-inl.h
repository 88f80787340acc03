// y = (x - mean) * scale [* gamma] [+ beta]. Included once per SIMD target.
#if defined(NORMD_CORE_KERNELS_AFFINE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NORMD_CORE_KERNELS_AFFINE_INL_H_
#undef NORMD_CORE_KERNELS_AFFINE_INL_H_
#else
#define NORMD_CORE_KERNELS_AFFINE_INL_H_
#endif

#include "core/kernels/elements-inl.h"

#if !NORMD_TARGET_IS_PORTABLE
HWY_BEFORE_NAMESPACE();
namespace normd::kernels {
namespace HWY_NAMESPACE {

// A coefficient: none, one for the whole span, or one for each element.
struct None {};
struct Same {
  double value;

  template <class D>
  HWY_INLINE hn::Vec<D> At(D d, int64_t) const {
    return hn::Set(d, value);
  }
};
struct Each {
  const double* values;

  template <class D>
  HWY_INLINE hn::Vec<D> At(D d, int64_t i) const {
    return hn::LoadU(d, values + i);
  }
};

template <class Mean, class Scale, class Gamma, class Beta>
struct Affine {
  Mean mean;
  Scale scale;
  Gamma gamma;
  Beta beta;
  const float* x;
  float* y;

  template <class D>
  HWY_INLINE void operator()(D d, int64_t i) const {
    hn::Vec<D> value = hn::Mul(hn::Sub(Widen(d, x + i), mean.At(d, i)), scale.At(d, i));
    if constexpr (!hwy::IsSame<Gamma, None>()) value = hn::Mul(value, gamma.At(d, i));
    if constexpr (!hwy::IsSame<Beta, None>()) value = hn::Add(value, beta.At(d, i));
    Narrow(d, value, y + i);
  }
};

template <class Mean, class Scale, class Gamma, class Beta>
HWY_INLINE void WriteSpan(const float* x, int64_t size, Mean mean, Scale scale, Gamma gamma,
                          Beta beta, float* y) {
  ForEachElement(size, Affine<Mean, Scale, Gamma, Beta>{mean, scale, gamma, beta, x, y});
}

}  // namespace HWY_NAMESPACE
}  // namespace normd::kernels
HWY_AFTER_NAMESPACE();
#endif  // !NORMD_TARGET_IS_PORTABLE

#endif  // include guard
