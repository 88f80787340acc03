#include "core/kernels/row_kernels.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/row_kernels.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h, which includes this file once more for each further target.
#include "core/kernels/affine-inl.h"
#include "core/kernels/elements-inl.h"
#include "core/kernels/finite-inl.h"
#include "core/kernels/lane_sums-inl.h"
#include "core/kernels/output_size.h"
#include "core/kernels/parts.h"
#include "core/kernels/span_statistics.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace normd::kernels {
namespace HWY_NAMESPACE {

#if NORMD_TARGET_IS_PORTABLE

using portable::Add;
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
HWY_NOINLINE bool NormalizeInDoubles(const RowNorm& norm, const In* x, Part rows, int64_t row_size,
                                     Out* y) {
  bool all_finite = true;
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const int64_t begin = row * row_size;
    const RowCoefficients coefficients = CoefficientsOf<Sums>(norm, x + begin, row_size);
    WriteInDoubles(OfRow(norm, row, row_size), coefficients, x + begin, row_size, y + begin);
    all_finite = all_finite && coefficients.all_finite;
  }
  return all_finite;
}

// Writes a row, and sums the next one meanwhile: that waits for memory and for additions, this for
// neither.
template <bool kWithValues, typename T, class Write>
HWY_INLINE RawMoments WriteAndSum(const Write& write, const T* next, int64_t size) {
  constexpr int64_t kTwo = 2 * hn::MaxLanes(Floats());
  constexpr int64_t kStep = std::max(kLanes, kTwo);
  RawLaneSums<kWithValues> sums;
  sums.Clear();
  int64_t i = 0;
  for (; i + kStep <= size; i += kStep) {
    PrefetchFrom(next + i);
    for (int64_t k = 0; k < kStep; k += kTwo) write.Two(Floats(), i + k);
    for (int64_t k = 0; k < kStep; k += kLanes) AddLanes(next + i + k, sums);
  }
  AddSpan(next + i, size - i, 0, sums);
  ForEachElement<Floats>(size, write, i);
  return sums.Total();
}

// Rows of one narrow type by their raw moments. `High` None: without their mean.
template <class High, typename T, class Gamma, class Beta>
HWY_NOINLINE bool NormalizeInFloats(const RowNorm& norm, Gamma gamma, Beta beta, const T* x,
                                    Part rows, int64_t row_size, T* y, Stores stores) {
  constexpr bool kWithValues = !hwy::IsSame<High, None>();
  bool all_finite = true;
  RawMoments raw = Sums<T>::template Raw<kWithValues>(x + rows.begin * row_size, row_size);
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const int64_t begin = row * row_size;
    const T* const next = row + 1 < rows.end ? x + begin + row_size : nullptr;
    const auto coefficients = CoefficientsOfMoments<Sums<T> >(norm, raw, x + begin, row_size);
    all_finite = all_finite && coefficients.all_finite;
    if (NarrowCoefficients::Fit(coefficients.mean, coefficients.scale)) {
      const NarrowCoefficients narrow(coefficients.mean, coefficients.scale);
      const int64_t affine = norm.affine_rows == 1 ? 0 : row % norm.affine_rows * row_size;
      const AffineInFloats<T, High, Same<float>, Gamma, Beta> write{High::Of(narrow.high),
                                                                    High::Of(narrow.low),
                                                                    {narrow.scale},
                                                                    gamma.From(affine),
                                                                    beta.From(affine),
                                                                    x + begin,
                                                                    y + begin,
                                                                    stores};
      if (next != nullptr && row_size <= kChunk) {
        raw = {};
        raw.Add(WriteAndSum<kWithValues>(write, next, row_size));
        continue;
      }
      ForEachElement<Floats>(row_size, write);
    } else {
      WriteInDoubles(OfRow(norm, row, row_size), coefficients, x + begin, row_size, y + begin);
    }
    if (next != nullptr) raw = Sums<T>::template Raw<kWithValues>(next, row_size);
  }
  if (stores == Stores::kPastCaches) hwy::FlushStream();
  return all_finite;
}

bool NormalizeRows(const RowNorm& norm, ConstElements x, Part rows, int64_t row_size, Elements y,
                   bool past_caches) {
  bool all_finite = true;
  VisitElementTypes(
      x.type, y.type, [&]<typename In, typename Out>(ElementTag<In>, ElementTag<Out>) HWY_ATTR {
        const In* const from = x.As<In>();
        Out* const to = y.As<Out>();
        if constexpr (kIsNarrow<In, Out>) {
          if (TakesFloats(norm)) {
            const Stores stores = StoresOf(to, row_size, past_caches);
            VisitAffine(norm.narrow_gamma, norm.narrow_beta, static_cast<float>(norm.offset),
                        [&]<class Gamma, class Beta>(Gamma gamma, Beta beta) HWY_ATTR {
                          const auto normalize =
                              HasMean(norm) ? NormalizeInFloats<Same<float>, In, Gamma, Beta>
                                            : NormalizeInFloats<None, In, Gamma, Beta>;
                          all_finite =
                              normalize(norm, gamma, beta, from, rows, row_size, to, stores);
                        });
            return;
          }
        }
        all_finite = NormalizeInDoubles(norm, from, rows, row_size, to);
      });
  return all_finite;
}

template <typename T>
struct AddElement {
  const T* x;
  const T* residual;
  T* sum;

  template <class D>
  HWY_INLINE void operator()(D d, int64_t i) const {
    const auto value = hn::Add(Read(d, x + i), Read(d, residual + i));
    const auto nan = hn::Set(d, static_cast<hn::TFromD<D> >(kCanonicalNan));
    Write(d, hn::IfThenElse(hn::IsNaN(value), nan, value), sum + i);
  }
};

void Add(ConstElements x, ConstElements residual, int64_t size, Elements sum) {
  VisitElementType(x.type, [&]<typename T>(ElementTag<T>) HWY_ATTR {
    using D = std::conditional_t<std::is_same_v<T, double>, Doubles, Floats>;
    ForEachElement<D>(size, AddElement<T>{x.As<T>(), residual.As<T>(), sum.As<T>()});
  });
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
HWY_EXPORT(Add);
HWY_EXPORT(AllFinite);
HWY_EXPORT(CanonicalizeNans);
HWY_EXPORT(Clip);

// Of a sum, what stays in the second cache beside what it was added from.
constexpr int64_t kSumBytes = 128 << 10;

bool NormalizeRows(const RowNorm& norm, ConstElements x, int64_t rows, int64_t row_size, Elements y,
                   Executor& executor) {
  if (rows == 0 || row_size == 0) return true;
  const int64_t y_bytes = row_size * SizeOf(y.type);
  const bool past_caches = rows * y_bytes >= kLeastOutputPastCaches;
  return AllFiniteInParts(executor, rows, row_size * SizeOf(x.type) + y_bytes, [&](Part part) {
    return HWY_DYNAMIC_DISPATCH(NormalizeRows)(norm, x, part, row_size, y, past_caches);
  });
}

void Add(ConstElements x, ConstElements residual, int64_t size, Elements sum) {
  HWY_DYNAMIC_DISPATCH(Add)(x, residual, size, sum);
}

bool NormalizeSums(const RowNorm& norm, ConstElements x, ConstElements residual, int64_t rows,
                   int64_t row_size, Elements y, Executor& executor) {
  if (rows == 0 || row_size == 0) return true;
  const int64_t row_bytes = row_size * SizeOf(y.type);
  const int64_t at_once = std::max<int64_t>(1, kSumBytes / row_bytes);
  return AllFiniteInParts(executor, rows, 3 * row_bytes, [&](Part part) {
    bool all_finite = true;
    for (int64_t begin = part.begin; begin < part.end; begin += at_once) {
      const Part some{begin, std::min(part.end, begin + at_once)};
      const int64_t first = begin * row_size;
      Add(x.From(first), residual.From(first), some.size() * row_size, y.From(first));
      if (!HWY_DYNAMIC_DISPATCH(NormalizeRows)(norm, y, some, row_size, y, false)) {
        all_finite = false;
      }
    }
    return all_finite;
  });
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
