// y = f((x - mean) * scale) [* gamma] [+ beta]. Included once per SIMD target.
#if defined(NORMD_CORE_KERNELS_AFFINE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NORMD_CORE_KERNELS_AFFINE_INL_H_
#undef NORMD_CORE_KERNELS_AFFINE_INL_H_
#else
#define NORMD_CORE_KERNELS_AFFINE_INL_H_
#endif

#include <iterator>

#include "core/kernels/elements-inl.h"
#include "core/kernels/hyperbolic_tangent.h"

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

// What f is.
struct Identity {
  template <class D>
  HWY_INLINE hn::Vec<D> operator()(D /*d*/, hn::Vec<D> value) const {
    return value;
  }
};

// HyperbolicTangent on vectors.
struct Tanh {
  template <class D>
  HWY_INLINE hn::Vec<D> operator()(D d, hn::Vec<D> z) const {
    namespace ht = hyperbolic_tangent;
    const hn::RebindToUnsigned<D> bits;
    const auto one = hn::Set(d, 1.0);
    const auto largest = hn::Set(d, ht::kLargestU);
    const auto twice = hn::Mul(hn::Set(d, 2.0), hn::Abs(z));
    const auto u = hn::IfThenElse(hn::Gt(twice, largest), largest, twice);
    const auto round = hn::Set(d, ht::kRound);
    const auto shifted = hn::Add(hn::Mul(u, hn::Set(d, ht::kLog2E)), round);
    const auto k = hn::Sub(shifted, round);
    const auto r = hn::Sub(hn::Sub(u, hn::Mul(k, hn::Set(d, ht::kLn2High))),
                           hn::Mul(k, hn::Set(d, ht::kLn2Low)));
    auto series = hn::Set(d, ht::kSeries[0]);
    for (size_t i = 1; i < std::size(ht::kSeries); ++i) {
      series = hn::Add(hn::Mul(series, r), hn::Set(d, ht::kSeries[i]));
    }
    const auto expm1_of_r = hn::Add(r, hn::Mul(hn::Mul(r, r), series));
    const auto exponent = hn::Add(hn::BitCast(bits, shifted), hn::Set(bits, uint64_t{1023}));
    const auto power = hn::BitCast(d, hn::ShiftLeft<52>(exponent));
    const auto expm1 = hn::Add(hn::Mul(power, expm1_of_r), hn::Sub(power, one));
    return hn::CopySign(hn::Div(expm1, hn::Add(expm1, hn::Set(d, 2.0))), z);
  }
};

template <typename In, typename Out, class Function, class Mean, class Scale, class Gamma,
          class Beta>
struct Affine {
  Mean mean;
  Scale scale;
  Gamma gamma;
  Beta beta;
  const In* x;
  Out* y;

  template <class D>
  HWY_INLINE void operator()(D d, int64_t i) const {
    hn::Vec<D> value =
        Function()(d, hn::Mul(hn::Sub(Widen(d, x + i), mean.At(d, i)), scale.At(d, i)));
    if constexpr (!hwy::IsSame<Gamma, None>()) value = hn::Mul(value, gamma.At(d, i));
    if constexpr (!hwy::IsSame<Beta, None>()) value = hn::Add(value, beta.At(d, i));
    Narrow(d, value, y + i);
  }
};

template <class Function = Identity, typename In, typename Out, class Mean, class Scale,
          class Gamma, class Beta>
HWY_INLINE void WriteSpan(const In* x, int64_t size, Mean mean, Scale scale, Gamma gamma, Beta beta,
                          Out* y) {
  ForEachElement(
      size, Affine<In, Out, Function, Mean, Scale, Gamma, Beta>{mean, scale, gamma, beta, x, y});
}

}  // namespace HWY_NAMESPACE
}  // namespace normd::kernels
HWY_AFTER_NAMESPACE();
#endif  // !NORMD_TARGET_IS_PORTABLE

#endif  // include guard
