#include "core/kernels/row_kernels.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/row_kernels.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h, which includes this file once more for each further target.
#include "core/kernels/affine-inl.h"
#include "core/kernels/elements-inl.h"
#include "core/kernels/finite-inl.h"
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

template <typename In, typename Out>
HWY_NOINLINE void WriteInDoubles(const RowNorm& norm, const RowCoefficients& coefficients,
                                 const In* x, int64_t size, Out* y) {
  using S = Same<double>;
  VisitAffine(norm.gamma, norm.beta, norm.offset, [&](auto gamma, auto beta) HWY_ATTR {
    const auto write = [&]<class Function>(Function) HWY_ATTR {
      ForEachElement(size,
                     AffineInDoubles<Function, In, Out, S, S, decltype(gamma), decltype(beta)>{
                         {coefficients.mean}, {coefficients.scale}, gamma, beta, x, y});
    };
    norm.statistic == RowStatistic::kNone ? write(Tanh()) : write(Identity());
  });
}

template <typename In, typename Out>
HWY_NOINLINE bool NormalizeInDoubles(const RowNorm& norm, const In* x, int64_t rows,
                                     int64_t row_size, Out* y) {
  bool all_finite = true;
  for (int64_t row = 0; row < rows; ++row, x += row_size, y += row_size) {
    const RowCoefficients coefficients = CoefficientsOf<Sums>(norm, x, row_size);
    WriteInDoubles(OfRow(norm, row, row_size), coefficients, x, row_size, y);
    all_finite = all_finite && coefficients.all_finite;
  }
  return all_finite;
}

// Rows of one narrow type by their raw moments: each is summed while the one before it is written.
template <class High, typename T, class Gamma, class Beta>
HWY_NOINLINE bool NormalizeInFloats(const RowNorm& norm, Gamma gamma, Beta beta, const T* x,
                                    int64_t rows, int64_t row_size, T* y) {
  constexpr bool kWithValues = !hwy::IsSame<High, None>();
  constexpr int64_t kStep = hn::MaxLanes(Floats());
  const Stores stores = StoresOf(y, rows, row_size);
  const bool sums_ahead = row_size <= kChunk;
  bool all_finite = true;
  RawMoments raw = Sums<T>::template Raw<kWithValues>(x, row_size);
  for (int64_t row = 0; row < rows; ++row, x += row_size, y += row_size) {
    const auto coefficients = CoefficientsOfMoments<Sums<T> >(norm, raw, x, row_size);
    all_finite = all_finite && coefficients.all_finite;
    const bool is_last = row + 1 == rows;
    const T* const next = x + row_size;
    if (!NarrowCoefficients::Fit(coefficients.mean, coefficients.scale)) {
      WriteInDoubles(OfRow(norm, row, row_size), coefficients, x, row_size, y);
      if (!is_last) raw = Sums<T>::template Raw<kWithValues>(next, row_size);
      continue;
    }
    const NarrowCoefficients narrow(coefficients.mean, coefficients.scale);
    const int64_t begin = norm.affine_rows == 1 ? 0 : row % norm.affine_rows * row_size;
    AffineInFloats<T, High, Same<float>, Gamma, Beta> write{
        {}, {}, {narrow.scale}, gamma.From(begin), beta.From(begin), x, y, stores};
    if constexpr (kWithValues) {
      write.high = {narrow.high};
      write.low = {narrow.low};
    }
    if (is_last || !sums_ahead) {
      ForEachElement<Floats>(row_size, write);
      if (!is_last) raw = Sums<T>::template Raw<kWithValues>(next, row_size);
      continue;
    }
    RawLaneSums<kWithValues> sums;
    sums.Clear();
    int64_t i = 0;
    for (; i + kLanes <= row_size; i += kLanes) {
      for (int64_t k = 0; k < kLanes; k += kStep) write(Floats(), i + k);
      AddLanes(next + i, sums);
    }
    AddRest(next + i, row_size - i, 0, sums);
    for (; i < row_size; ++i) write(hn::CappedTag<float, 1>(), i);
    raw = {};
    raw.Add(sums.Total());
  }
  if (stores == Stores::kPastCaches) hwy::FlushStream();
  return all_finite;
}

bool NormalizeRows(const RowNorm& norm, ConstElements x, int64_t rows, int64_t row_size,
                   Elements y) {
  if (rows == 0 || row_size == 0) return true;
  bool all_finite = true;
  VisitElementTypes(
      x.type, y.type, [&]<typename In, typename Out>(ElementTag<In>, ElementTag<Out>) HWY_ATTR {
        if constexpr (kIsNarrow<In, Out>) {
          if (TakesFloats(norm)) {
            VisitAffine(
                norm.narrow_gamma, norm.narrow_beta, static_cast<float>(norm.offset),
                [&](auto gamma, auto beta) HWY_ATTR {
                  const auto normalize =
                      HasMean(norm)
                          ? NormalizeInFloats<Same<float>, In, decltype(gamma), decltype(beta)>
                          : NormalizeInFloats<None, In, decltype(gamma), decltype(beta)>;
                  all_finite =
                      normalize(norm, gamma, beta, x.As<In>(), rows, row_size, y.As<Out>());
                });
            return;
          }
        }
        all_finite = NormalizeInDoubles(norm, x.As<In>(), rows, row_size, y.As<Out>());
      });
  return all_finite;
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
    const auto value = Read(d, x + i);
    const auto most = hn::Set(d, limit);
    const auto is_beyond = hn::Gt(hn::Abs(value), most);
    Write(d, hn::IfThenElse(is_beyond, hn::CopySign(most, value), value), x + i);
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

bool NormalizeRows(const RowNorm& norm, ConstElements x, int64_t rows, int64_t row_size,
                   Elements y) {
  return HWY_DYNAMIC_DISPATCH(NormalizeRows)(norm, x, rows, row_size, y);
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
