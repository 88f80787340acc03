// y = f((x - mean) * scale) [* gamma] [+ beta] over a span. Included once per SIMD target.
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

// A coefficient: none, one for the whole span, or one for each element; and those from an element
// on.
struct None {
  static None Of(double) { return {}; }
  HWY_INLINE None From(int64_t) const { return {}; }
};
template <typename F>
struct Same {
  F value;

  static Same Of(F value) { return {value}; }

  template <class D>
  HWY_INLINE hn::Vec<D> At(D d, int64_t) const {
    return hn::Set(d, value);
  }
  HWY_INLINE Same From(int64_t) const { return *this; }
};
template <typename F>
struct Each {
  const F* values;

  template <class D>
  HWY_INLINE hn::Vec<D> At(D d, int64_t i) const {
    return hn::LoadU(d, values + i);
  }
  HWY_INLINE Each From(int64_t i) const { return {values + i}; }
};

// Calls `body` with what gamma and beta are: null is none, or `offset` everywhere.
template <typename F, class Body>
HWY_INLINE void VisitAffine(const F* gamma, const F* beta, F offset, const Body& body) {
  if (gamma != nullptr) {
    beta != nullptr ? body(Each<F>{gamma}, Each<F>{beta}) : body(Each<F>{gamma}, Same<F>{offset});
  } else {
    beta != nullptr ? body(None(), Each<F>{beta}) : body(None(), Same<F>{offset});
  }
}

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
    const auto two = hn::Set(d, 2.0);
    const auto largest = hn::Set(d, ht::kLargestU);
    const auto twice = hn::Mul(two, hn::Abs(z));
    const auto u = hn::IfThenElse(hn::Gt(twice, largest), largest, twice);
    const auto round = hn::Set(d, ht::kRound);
    const auto shifted = hn::Add(hn::Mul(u, hn::Set(d, ht::kLog2E)), round);
    const auto k = hn::Sub(shifted, round);
    const auto reduced = hn::Sub(u, hn::Mul(k, hn::Set(d, ht::kLn2High)));
    const auto ln2_rest = hn::Mul(k, hn::Set(d, ht::kLn2Low));
    const auto r = hn::Sub(reduced, ln2_rest);
    const auto r_low = hn::Sub(hn::Sub(reduced, r), ln2_rest);
    auto series = hn::Set(d, ht::kSeries[0]);
    for (size_t i = 1; i < std::size(ht::kSeries); ++i) {
      series = hn::Add(hn::Mul(series, r), hn::Set(d, ht::kSeries[i]));
    }
    const auto tail = hn::Add(hn::Mul(hn::Mul(r, r), series), hn::Add(r_low, hn::Mul(r_low, r)));
    const auto part = hn::Add(r, tail);
    const auto part_low = hn::Add(hn::Sub(r, part), tail);
    const auto exponent = hn::Add(hn::BitCast(bits, shifted), hn::Set(bits, uint64_t{1023}));
    const auto power = hn::BitCast(d, hn::ShiftLeft<52>(exponent));
    const auto scaled = hn::Mul(power, part);
    const auto rest = hn::Sub(power, one);
    const auto above = hn::Add(rest, scaled);
    const auto above_low = hn::Add(hn::Add(hn::Sub(rest, above), scaled), hn::Mul(power, part_low));
    const auto divisor = hn::Add(above, two);
    const auto added = hn::Sub(divisor, above);
    const auto divisor_low =
        hn::Add(hn::Add(hn::Sub(above, hn::Sub(divisor, added)), hn::Sub(two, added)), above_low);
    const auto quotient = hn::Div(above, divisor);
    const auto upper_half = hn::BitCast(d, hn::Set(bits, ht::kUpperHalf));
    const auto q = hn::And(quotient, upper_half);
    const auto v = hn::And(divisor, upper_half);
    const auto q_low = hn::Sub(quotient, q);
    const auto v_low = hn::Sub(divisor, v);
    auto lacks = hn::Sub(hn::Sub(above, hn::Mul(q, v)), hn::Mul(q, v_low));
    lacks = hn::Sub(hn::Sub(lacks, hn::Mul(q_low, v)), hn::Mul(q_low, v_low));
    lacks = hn::Sub(hn::Add(lacks, above_low), hn::Mul(quotient, divisor_low));
    return hn::CopySign(hn::Add(quotient, hn::Div(lacks, divisor)), z);
  }
};

template <class Function, typename In, typename Out, class Mean, class Scale, class Gamma,
          class Beta>
struct AffineInDoubles {
  Mean mean;
  Scale scale;
  Gamma gamma;
  Beta beta;
  const In* x;
  Out* y;

  template <class D>
  HWY_INLINE void operator()(D d, int64_t i) const {
    Normalize(d, i, Read(d, x + i));
  }
  template <class D>
  HWY_INLINE void Normalize(D d, int64_t i, hn::Vec<D> value) const {
    value = Function()(d, hn::Mul(hn::Sub(value, mean.At(d, i)), scale.At(d, i)));
    if constexpr (!hwy::IsSame<Gamma, None>()) value = hn::Mul(value, gamma.At(d, i));
    if constexpr (!hwy::IsSame<Beta, None>()) value = hn::Add(value, beta.At(d, i));
    Write(d, value, y + i);
  }
};

// NarrowCoefficients at work: `High` None is no mean.
template <typename T, class High, class Scale, class Gamma, class Beta>
struct AffineInFloats {
  High high;
  High low;
  Scale scale;
  Gamma gamma;
  Beta beta;
  const T* x;
  T* y;
  Stores stores;

  template <class D>
  HWY_INLINE void operator()(D d, int64_t i) const {
    Normalize(d, i, Read(d, x + i));
  }
  template <class D>
  HWY_INLINE void Normalize(D d, int64_t i, hn::Vec<D> value) const {
    Write(d, Result(d, i, value), y + i, stores);
  }
  template <class D>
  HWY_INLINE void Two(D d, int64_t i) const {
    NormalizeTwo(d, i, Read(d, x + i), Read(d, x + i + hn::MaxLanes(d)));
  }
  template <class D>
  HWY_INLINE void NormalizeTwo(D d, int64_t i, hn::Vec<D> first, hn::Vec<D> second) const {
    WriteTwo(d, Result(d, i, first), Result(d, i + hn::MaxLanes(d), second), y + i, stores);
  }

  template <class D>
  HWY_INLINE hn::Vec<D> Result(D d, int64_t i, hn::Vec<D> value) const {
    if constexpr (!hwy::IsSame<High, None>()) {
      value = hn::Sub(hn::Sub(value, high.At(d, i)), low.At(d, i));
    }
    value = hn::Mul(value, scale.At(d, i));
    if constexpr (!hwy::IsSame<Gamma, None>()) value = hn::Mul(value, gamma.At(d, i));
    if constexpr (!hwy::IsSame<Beta, None>()) value = hn::Add(value, beta.At(d, i));
    return value;
  }
};

// How spans are stored: past the caches only where vectors divide their size and address.
template <typename T>
HWY_INLINE Stores StoresOf(const T* y, int64_t span_size, bool past_caches) {
  constexpr int64_t kDivisor = 64;
  const bool divides = reinterpret_cast<uintptr_t>(y) % kDivisor == 0 &&
                       span_size * static_cast<int64_t>(sizeof(T)) % kDivisor == 0;
  return past_caches && divides ? Stores::kPastCaches : Stores::kCached;
}

}  // namespace HWY_NAMESPACE
}  // namespace normd::kernels
HWY_AFTER_NAMESPACE();
#endif  // !NORMD_TARGET_IS_PORTABLE

#endif  // include guard
