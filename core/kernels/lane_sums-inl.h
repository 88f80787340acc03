// Sums in 16 lanes, as kernels/portable.h defines them. Included once per SIMD target.
#if defined(NORMD_CORE_KERNELS_LANE_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NORMD_CORE_KERNELS_LANE_SUMS_INL_H_
#undef NORMD_CORE_KERNELS_LANE_SUMS_INL_H_
#else
#define NORMD_CORE_KERNELS_LANE_SUMS_INL_H_
#endif

#include <algorithm>
#include <limits>

#include "core/kernels/elements-inl.h"
#include "core/kernels/finite-inl.h"

#if !NORMD_TARGET_IS_PORTABLE
HWY_BEFORE_NAMESPACE();
namespace normd::kernels {
namespace HWY_NAMESPACE {

inline constexpr int64_t kVectors = kLanes / kWidth;

struct Lanes {
  DoubleVector vectors[kVectors];

  HWY_INLINE void Fill(double value) {
    for (DoubleVector& vector : vectors) vector = hn::Set(Doubles(), value);
  }
  HWY_INLINE void Load(const double* HWY_RESTRICT from) {
    for (int64_t k = 0; k < kVectors; ++k) vectors[k] = hn::Load(Doubles(), from + k * kWidth);
  }
  HWY_INLINE void Store(double* HWY_RESTRICT to) const {
    for (int64_t k = 0; k < kVectors; ++k) hn::Store(vectors[k], Doubles(), to + k * kWidth);
  }
  HWY_INLINE double SumByHalves() const {
    DoubleVector sums[kVectors];
    for (int64_t k = 0; k < kVectors; ++k) sums[k] = vectors[k];
    for (int64_t half = kVectors / 2; half > 0; half /= 2) {
      for (int64_t k = 0; k < half; ++k) sums[k] = hn::Add(sums[k], sums[k + half]);
    }
    HWY_ALIGN double rest[kWidth];
    hn::Store(sums[0], Doubles(), rest);
    for (int64_t half = kWidth / 2; half > 0; half /= 2) {
      for (int64_t i = 0; i < half; ++i) rest[i] += rest[i + half];
    }
    return rest[0];
  }
};

// What follows is filled by Clear before elements are added: constructors that the compiler writes
// would not be of this target.

// One sum in lanes, with its rounding errors where elements of type T need that (RunningSum on
// vectors).
template <typename T>
struct LaneSum {
  Lanes sum, error;

  HWY_INLINE void Clear() {
    sum.Fill(0);
    if constexpr (kIsCompensated<T>) error.Fill(0);
  }
  HWY_INLINE void Add(int64_t k, DoubleVector value) {
    const DoubleVector old = sum.vectors[k];
    const DoubleVector total = hn::Add(old, value);
    if constexpr (kIsCompensated<T>) {
      const DoubleVector part = hn::Sub(total, old);
      const DoubleVector lost = hn::Add(hn::Sub(old, hn::Sub(total, part)), hn::Sub(value, part));
      error.vectors[k] = hn::Add(error.vectors[k], lost);
    }
    sum.vectors[k] = total;
  }
  HWY_INLINE double Total() const {
    const double total = sum.SumByHalves();
    if constexpr (kIsCompensated<T>) return WithError(total, error.SumByHalves());
    return total;
  }
};

// Those of RawMoments, for elements narrower than float64. The square is exact there: fused or not,
// the bits are the same.
template <bool kWithValues>
struct RawLaneSums {
  Lanes values, squares;

  HWY_INLINE void Clear() {
    values.Fill(0);
    squares.Fill(0);
  }
  HWY_INLINE void Add(int64_t k, DoubleVector x) {
    if constexpr (kWithValues) values.vectors[k] = hn::Add(values.vectors[k], x);
    squares.vectors[k] = hn::MulAdd(x, x, squares.vectors[k]);
  }
  HWY_INLINE RawMoments Total() const {
    return {kWithValues ? values.SumByHalves() : 0, squares.SumByHalves()};
  }
};

template <typename T>
struct ValueSum {
  LaneSum<T> sum;

  HWY_INLINE void Clear() { sum.Clear(); }
  HWY_INLINE void Add(int64_t k, DoubleVector x) { sum.Add(k, x); }
};

template <typename T>
struct SquareSum {
  LaneSum<T> sum;

  HWY_INLINE void Clear() { sum.Clear(); }
  HWY_INLINE void Add(int64_t k, DoubleVector x) { sum.Add(k, hn::Mul(x, x)); }
};

template <typename T>
struct MagnitudeSum {
  LaneSum<T> sum;

  HWY_INLINE void Clear() { sum.Clear(); }
  HWY_INLINE void Add(int64_t k, DoubleVector x) { sum.Add(k, hn::Abs(x)); }
};

// LargerOrNan on vectors.
HWY_INLINE DoubleVector LargerOrNans(DoubleVector a, DoubleVector b) {
  return hn::IfThenElse(hn::Or(hn::Ge(a, b), hn::IsNaN(a)), a, b);
}

HWY_INLINE double LargestOrNan(const Lanes& lanes) {
  HWY_ALIGN double values[kLanes];
  lanes.Store(values);
  double largest = values[0];
  for (const double value : values) largest = LargerOrNan(largest, value);
  return largest;
}

struct MagnitudeMaximum {
  Lanes largest;

  HWY_INLINE void Clear() { largest.Fill(0); }
  HWY_INLINE void Add(int64_t k, DoubleVector x) {
    largest.vectors[k] = LargerOrNans(largest.vectors[k], hn::Abs(x));
  }
};

struct LaneExtremes {
  Lanes smallest, largest;  // the smallest: its negative

  HWY_INLINE void Clear() {
    smallest.Fill(-std::numeric_limits<double>::infinity());
    largest.Fill(-std::numeric_limits<double>::infinity());
  }
  HWY_INLINE void Add(int64_t k, DoubleVector x) {
    const DoubleVector value = hn::Add(x, hn::Zero(Doubles()));
    smallest.vectors[k] = LargerOrNans(smallest.vectors[k], hn::Neg(value));
    largest.vectors[k] = LargerOrNans(largest.vectors[k], value);
  }
};

template <typename T>
struct DeviationLaneSums {
  Lanes mean;
  LaneSum<T> s1, s2;

  HWY_INLINE void Clear() {
    s1.Clear();
    s2.Clear();
  }
  HWY_INLINE void Add(int64_t k, DoubleVector x) {
    const DoubleVector d = hn::Sub(x, mean.vectors[k]);
    s1.Add(k, d);
    s2.Add(k, hn::Mul(d, d));
  }
};

// Float32 as one or two vectors, the first of which is number `k`.
template <class D, class Sums>
HWY_INLINE void AddSingles(D /*d*/, hn::Vec<D> values, int64_t k, Sums& sums) {
  if constexpr (hn::MaxLanes(D()) == kWidth) {
    sums.Add(k, hn::PromoteTo(Doubles(), values));
  } else {
    const hn::Half<D> half;
    sums.Add(k, hn::PromoteTo(Doubles(), hn::LowerHalf(half, values)));
    sums.Add(k + 1, hn::PromoteTo(Doubles(), hn::UpperHalf(half, values)));
  }
}

// As many elements as there are lanes, in their order.
template <typename T, class Sums>
HWY_INLINE void AddInOrder(const T* x, Sums& sums) {
  for (int64_t k = 0; k < kVectors; ++k) sums.Add(k, Read(Doubles(), x + k * kWidth));
}

// As many elements of a span as there are lanes.
template <typename T, class Sums>
HWY_INLINE void AddLanes(const T* x, Sums& sums) {
  if constexpr (std::is_same_v<T, BFloat16>) {
    using Words = hn::CappedTag<uint32_t, kLanes / 2>;
    using Singles = hn::Rebind<float, Words>;
    constexpr int64_t kWords = hn::MaxLanes(Words());
    for (int64_t word = 0; word < kLanes / 2; word += kWords) {
      const auto words = hn::LoadU(Words(), reinterpret_cast<const uint32_t*>(x + 2 * word));
      const auto even = hn::BitCast(Singles(), hn::ShiftLeft<16>(words));
      const auto odd = hn::BitCast(Singles(), hn::And(words, hn::Set(Words(), 0xFFFF0000)));
      AddSingles(Singles(), even, word / kWidth, sums);
      AddSingles(Singles(), odd, (word + kLanes / 2) / kWidth, sums);
    }
  } else {
    AddInOrder(x, sums);
  }
}

// Fewer elements than there are lanes, of which `lane` is each one's. The others get `padding`.
template <typename T, class Lane, class Sums>
HWY_INLINE void AddFew(const T* x, int64_t size, double padding, const Lane& lane, Sums& sums) {
  HWY_ALIGN double few[kLanes];
  for (double& value : few) value = padding;
  for (int64_t i = 0; i < size; ++i) few[lane(i)] = LoadElement(x + i);
  for (int64_t k = 0; k < kVectors; ++k) sums.Add(k, hn::Load(Doubles(), few + k * kWidth));
}

// The last elements of a span. `padding` must be such that it adds nothing: the mean where
// deviations are summed, a value of the span where extremes are sought.
template <typename T, class Sums>
HWY_INLINE void AddRest(const T* x, int64_t size, double padding, Sums& sums) {
  if (size > 0) AddFew(x, size, padding, LaneOf<T>, sums);
}

// Values of neighboring channels, as many as there are lanes or fewer, each to its own.
template <typename T, class Sums>
HWY_INLINE void AddNeighbors(const T* x, int64_t size, Sums& sums) {
  if (size == kLanes) return AddInOrder(x, sums);
  AddFew(
      x, size, 0, [](int64_t i) { return i; }, sums);
}

// Adds every element of a span to its lane of `sums`.
template <typename T, class Sums>
HWY_INLINE void AddSpan(const T* x, int64_t size, double padding, Sums& sums) {
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) AddLanes(x + i, sums);
  AddRest(x + i, size - i, padding, sums);
}

// The sums over a span.
template <typename T>
struct Sums {
  static bool AllFinite(const T* x, int64_t size) { return AllFiniteOf(x, size); }

  template <bool kWithValues = true>
  static RawMoments Raw(const T* x, int64_t size) {
    static_assert(!kIsCompensated<T>);
    RawMoments total;
    for (int64_t begin = 0; begin < size; begin += kChunk) {
      RawLaneSums<kWithValues> sums;
      sums.Clear();
      AddSpan(x + begin, std::min(kChunk, size - begin), 0, sums);
      total.Add(sums.Total());
    }
    return total;
  }

  static double Values(const T* x, int64_t size) {
    ValueSum<T> sums;
    sums.Clear();
    AddSpan(x, size, 0, sums);
    return sums.sum.Total();
  }

  static DeviationSums Deviations(const T* x, int64_t size, double mean) {
    DeviationLaneSums<T> sums;
    sums.Clear();
    sums.mean.Fill(mean);
    AddSpan(x, size, mean, sums);
    return {sums.s1.Total(), sums.s2.Total()};
  }

  static double Squares(const T* x, int64_t size) {
    SquareSum<T> sums;
    sums.Clear();
    AddSpan(x, size, 0, sums);
    return sums.sum.Total();
  }

  static double Magnitudes(const T* x, int64_t size) {
    MagnitudeSum<T> sums;
    sums.Clear();
    AddSpan(x, size, 0, sums);
    return sums.sum.Total();
  }

  static double LargestMagnitude(const T* x, int64_t size) {
    MagnitudeMaximum maximum;
    maximum.Clear();
    AddSpan(x, size, 0, maximum);
    return LargestOrNan(maximum.largest);
  }

  static Extremes ExtremesOf(const T* x, int64_t size) {
    LaneExtremes extremes;
    extremes.Clear();
    AddSpan(x, size, LoadElement(x), extremes);
    return {0.0 - LargestOrNan(extremes.smallest), LargestOrNan(extremes.largest)};
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace normd::kernels
HWY_AFTER_NAMESPACE();
#endif  // !NORMD_TARGET_IS_PORTABLE

#endif  // include guard
