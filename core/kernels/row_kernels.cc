#include "core/kernels/row_kernels.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/row_kernels.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h, which includes this file once more for each further target.
#include "core/kernels/affine-inl.h"
#include "core/kernels/elements-inl.h"
#include "core/kernels/lane_sums-inl.h"
#include "core/kernels/span_statistics.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace normd::kernels {
namespace HWY_NAMESPACE {

#if NORMD_TARGET_IS_PORTABLE

using portable::AllFinite;
using portable::CanonicalizeNans;
using portable::Clip;
using portable::NormalizeRows;

#else

template <typename In, typename Out, class Gamma, class Beta>
HWY_NOINLINE void NormalizeEachRow(const RowNorm& norm, Gamma gamma, Beta beta, const In* x,
                                   int64_t rows, int64_t row_size, Out* y) {
  for (int64_t row = 0; row < rows; ++row, x += row_size, y += row_size) {
    const RowCoefficients coefficients = CoefficientsOf<Sums>(norm, x, row_size);
    const Same mean{coefficients.mean};
    const Same scale{coefficients.scale};
    if (norm.statistic == RowStatistic::kNone) {
      WriteSpan<Tanh>(x, row_size, mean, scale, gamma, beta, y);
    } else {
      WriteSpan(x, row_size, mean, scale, gamma, beta, y);
    }
  }
}

void NormalizeRows(const RowNorm& norm, ConstElements x, int64_t rows, int64_t row_size,
                   Elements y) {
  const auto normalize = [&](auto gamma, auto beta) HWY_ATTR {
    VisitElementTypes(
        x.type, y.type, [&]<typename In, typename Out>(ElementTag<In>, ElementTag<Out>) HWY_ATTR {
          NormalizeEachRow(norm, gamma, beta, x.As<In>(), rows, row_size, y.As<Out>());
        });
  };
  const Each gamma{norm.gamma};
  const Each beta{norm.beta};
  const Same offset{norm.offset};
  if (norm.gamma != nullptr && norm.beta != nullptr) {
    normalize(gamma, beta);
  } else if (norm.gamma != nullptr) {
    normalize(gamma, offset);
  } else if (norm.beta != nullptr) {
    normalize(None(), beta);
  } else {
    normalize(None(), offset);
  }
}

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
  constexpr int64_t kWidth = hn::MaxLanes(Bits());
  const auto limit = hn::Set(Signed(), static_cast<hn::TFromD<Signed> >(BitsOf<T>::kExponent - 1));
  auto found = hn::Zero(Bits());
  int64_t i = 0;
  for (; i + kWidth <= size; i += kWidth) {
    const auto bits = hn::LoadU(Bits(), reinterpret_cast<const typename BitsOf<T>::Type*>(x + i));
    // Without its sign; numbers are in the order of their bits.
    const auto magnitude = hn::BitCast(Signed(), hn::ShiftRight<1>(hn::ShiftLeft<1>(bits)));
    const auto is_beyond = hn::VecFromMask(Signed(), hn::Gt(magnitude, limit));
    found = hn::Or(found, hn::BitCast(Bits(), is_beyond));
  }
  const bool any = !hn::AllTrue(Bits(), hn::Eq(found, hn::Zero(Bits())));
  return !any && portable::AllFinite({ElementTypeOf<T>(), x + i}, size - i);
}

bool AllFinite(ConstElements x, int64_t size) {
  return VisitElementType(
      x.type, [&]<typename T>(ElementTag<T>) HWY_ATTR { return AllFiniteOf(x.As<T>(), size); });
}

void CanonicalizeNans(Elements x, int64_t size) {
  if (AllFinite(x, size)) return;
  portable::CanonicalizeNans(x, size);
}

template <typename T>
struct ClipElement {
  double limit;
  T* x;

  template <class D>
  HWY_INLINE void operator()(D d, int64_t i) const {
    const auto value = Widen(d, x + i);
    const auto most = hn::Set(d, limit);
    const auto is_beyond = hn::Gt(hn::Abs(value), most);
    Narrow(d, hn::IfThenElse(is_beyond, hn::CopySign(most, value), value), x + i);
  }
};

void Clip(Elements x, int64_t size, double limit) {
  VisitElementType(x.type, [&]<typename T>(ElementTag<T>) HWY_ATTR {
    ForEachElement(size, ClipElement<T>{LargestAtMost<T>(limit), x.As<T>()});
  });
}

#endif  // NORMD_TARGET_IS_PORTABLE

}  // namespace HWY_NAMESPACE
}  // namespace normd::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace normd::kernels {

HWY_EXPORT(NormalizeRows);
HWY_EXPORT(AllFinite);
HWY_EXPORT(CanonicalizeNans);
HWY_EXPORT(Clip);

void NormalizeRows(const RowNorm& norm, ConstElements x, int64_t rows, int64_t row_size,
                   Elements y) {
  HWY_DYNAMIC_DISPATCH(NormalizeRows)(norm, x, rows, row_size, y);
}

bool AllFinite(ConstElements x, int64_t size) { return HWY_DYNAMIC_DISPATCH(AllFinite)(x, size); }

int64_t CountNonFinite(ConstElements x, int64_t size) {
  if (AllFinite(x, size)) return 0;
  return VisitElementType(x.type, [&]<typename T>(ElementTag<T>) {
    int64_t count = 0;
    for (int64_t i = 0; i < size; ++i) {
      count += std::abs(LoadElement(x.As<T>() + i)) < kLargestMagnitude ? 0 : 1;
    }
    return count;
  });
}

void CanonicalizeNans(Elements x, int64_t size) { HWY_DYNAMIC_DISPATCH(CanonicalizeNans)(x, size); }

void Clip(Elements x, int64_t size, double limit) { HWY_DYNAMIC_DISPATCH(Clip)(x, size, limit); }

}  // namespace normd::kernels
#endif  // HWY_ONCE
