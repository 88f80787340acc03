// Sums in 16 lanes, as kernels/portable.h defines them. Included once per SIMD target.
#if defined(NORMD_CORE_KERNELS_LANE_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NORMD_CORE_KERNELS_LANE_SUMS_INL_H_
#undef NORMD_CORE_KERNELS_LANE_SUMS_INL_H_
#else
#define NORMD_CORE_KERNELS_LANE_SUMS_INL_H_
#endif

#include "core/kernels/elements-inl.h"

#if !NORMD_TARGET_IS_PORTABLE
HWY_BEFORE_NAMESPACE();
namespace normd::kernels {
namespace HWY_NAMESPACE {

inline constexpr int64_t kLanes = 16;
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

struct ValueSum {
  Lanes sum;

  HWY_INLINE ValueSum() { sum.Fill(0); }
  HWY_INLINE void Add(int64_t k, DoubleVector x) { sum.vectors[k] = hn::Add(sum.vectors[k], x); }
};

struct SquareSum {
  Lanes sum;

  HWY_INLINE SquareSum() { sum.Fill(0); }
  // The square of a float is exact in float64: fused or not, the bits are the same.
  HWY_INLINE void Add(int64_t k, DoubleVector x) {
    sum.vectors[k] = hn::MulAdd(x, x, sum.vectors[k]);
  }
};

struct MagnitudeSum {
  Lanes sum;

  HWY_INLINE MagnitudeSum() { sum.Fill(0); }
  HWY_INLINE void Add(int64_t k, DoubleVector x) {
    sum.vectors[k] = hn::Add(sum.vectors[k], hn::Abs(x));
  }
};

// LargerOrNan on vectors.
struct MagnitudeMaximum {
  Lanes largest;

  HWY_INLINE MagnitudeMaximum() { largest.Fill(0); }
  HWY_INLINE void Add(int64_t k, DoubleVector x) {
    const DoubleVector a = largest.vectors[k];
    const DoubleVector b = hn::Abs(x);
    const auto keep = hn::Or(hn::Ge(a, b), hn::IsNaN(a));
    largest.vectors[k] = hn::IfThenElse(keep, a, b);
  }
};

struct DeviationLaneSums {
  Lanes mean, s1, s2;

  HWY_INLINE DeviationLaneSums() {
    s1.Fill(0);
    s2.Fill(0);
  }
  HWY_INLINE void Add(int64_t k, DoubleVector x) {
    const DoubleVector d = hn::Sub(x, mean.vectors[k]);
    s1.vectors[k] = hn::Add(s1.vectors[k], d);
    s2.vectors[k] = hn::Add(s2.vectors[k], hn::Mul(d, d));
  }
};

// Adds every element of a span to its lane of `sums`. The lanes that the last elements leave over
// get `padding`, which must be such that it adds nothing: the mean where deviations are summed.
template <class Sums>
HWY_INLINE void AddSpan(const float* x, int64_t size, double padding, Sums& sums) {
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (int64_t k = 0; k < kVectors; ++k) sums.Add(k, Widen(Doubles(), x + i + k * kWidth));
  }
  if (i == size) return;
  HWY_ALIGN double last[kLanes];
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    last[lane] = i + lane < size ? LoadFloat(x + i + lane) : padding;
  }
  for (int64_t k = 0; k < kVectors; ++k) sums.Add(k, hn::Load(Doubles(), last + k * kWidth));
}

// The sums over a span.
struct Sums {
  static double Values(const float* x, int64_t size) {
    ValueSum sums;
    AddSpan(x, size, 0, sums);
    return sums.sum.SumByHalves();
  }

  static DeviationSums Deviations(const float* x, int64_t size, double mean) {
    DeviationLaneSums sums;
    sums.mean.Fill(mean);
    AddSpan(x, size, mean, sums);
    return {sums.s1.SumByHalves(), sums.s2.SumByHalves()};
  }

  static double Squares(const float* x, int64_t size) {
    SquareSum sums;
    AddSpan(x, size, 0, sums);
    return sums.sum.SumByHalves();
  }

  static double Magnitudes(const float* x, int64_t size) {
    MagnitudeSum sums;
    AddSpan(x, size, 0, sums);
    return sums.sum.SumByHalves();
  }

  static double LargestMagnitude(const float* x, int64_t size) {
    MagnitudeMaximum maximum;
    AddSpan(x, size, 0, maximum);
    HWY_ALIGN double lanes[kLanes];
    maximum.largest.Store(lanes);
    double largest = 0;
    for (const double lane : lanes) largest = LargerOrNan(largest, lane);
    return largest;
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace normd::kernels
HWY_AFTER_NAMESPACE();
#endif  // !NORMD_TARGET_IS_PORTABLE

#endif  // include guard
