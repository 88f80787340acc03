// What is computed from statistics, channel by channel. Included once per SIMD target.
#if defined(NORMD_CORE_KERNELS_CHANNEL_STATISTICS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NORMD_CORE_KERNELS_CHANNEL_STATISTICS_INL_H_
#undef NORMD_CORE_KERNELS_CHANNEL_STATISTICS_INL_H_
#else
#define NORMD_CORE_KERNELS_CHANNEL_STATISTICS_INL_H_
#endif

#include "core/kernels/elements-inl.h"
#include "core/kernels/epsilon.h"
#include "core/tensor/channel_layout.h"

#if !NORMD_TARGET_IS_PORTABLE
HWY_BEFORE_NAMESPACE();
namespace normd::kernels {
namespace HWY_NAMESPACE {

struct MergeMoments {
  double weight_b, weight_square;
  const double* mean_b;
  const double* m2_b;
  double* mean_a;
  double* m2_a;

  template <class D>
  HWY_INLINE void operator()(D d, int64_t c) const {
    const auto old_mean = hn::LoadU(d, mean_a + c);
    const auto delta = hn::Sub(hn::LoadU(d, mean_b + c), old_mean);
    const auto step = hn::Mul(delta, hn::Set(d, weight_b));
    const auto between = hn::Mul(hn::Mul(delta, delta), hn::Set(d, weight_square));
    const auto more = hn::Add(hn::LoadU(d, m2_b + c), between);
    hn::StoreU(hn::Add(old_mean, step), d, mean_a + c);
    hn::StoreU(hn::Add(hn::LoadU(d, m2_a + c), more), d, m2_a + c);
  }
};

inline void MergeChannelMoments(double count_a, double count_b, const double* mean_b,
                                const double* m2_b, int64_t channels, double* mean_a,
                                double* m2_a) {
  const double weight = count_b / (count_a + count_b);
  ForEachElement(channels, MergeMoments{weight, count_a * weight, mean_b, m2_b, mean_a, m2_a});
}

struct FoldValue {
  double weight;
  const double* value;
  double* average;

  template <class D>
  HWY_INLINE void operator()(D d, int64_t i) const {
    const auto old = hn::LoadU(d, average + i);
    const auto step = hn::Mul(hn::Set(d, weight), hn::Sub(hn::LoadU(d, value + i), old));
    hn::StoreU(hn::Add(old, step), d, average + i);
  }
};

inline void FoldAverage(double weight, const double* value, int64_t size, double* average) {
  ForEachElement(size, FoldValue{weight, value, average});
}

// One token of channels-last data.
template <typename T>
struct FoldToken {
  const T* token;
  double alpha;
  double* mean;
  double* variance;

  template <class D>
  HWY_INLINE void operator()(D d, int64_t c) const {
    const auto old_mean = hn::LoadU(d, mean + c);
    const auto delta = hn::Sub(Read(d, token + c), old_mean);
    const auto step = hn::Mul(hn::Set(d, alpha), delta);
    const auto spread = hn::Add(hn::LoadU(d, variance + c), hn::Mul(step, delta));
    hn::StoreU(hn::Add(old_mean, step), d, mean + c);
    hn::StoreU(hn::Mul(hn::Set(d, 1 - alpha), spread), d, variance + c);
  }
};

inline void FoldTokens(ConstElements x, const ChannelLayout& layout, double alpha, double* mean,
                       double* variance) {
  if (layout.inner > 1) return portable::FoldTokens(x, layout, alpha, mean, variance);
  VisitElementType(x.type, [&]<typename T>(ElementTag<T>) HWY_ATTR {
    for (int64_t token = 0; token < layout.outer; ++token) {
      ForEachElement(layout.channels,
                     FoldToken<T>{x.As<T>() + token * layout.channels, alpha, mean, variance});
    }
  });
}

// std::max(a, b), NaN and all.
template <class V>
HWY_INLINE V MaxOf(V a, V b) {
  return hn::IfThenElse(hn::Lt(a, b), b, a);
}

// InverseDeviation of epsilon.h on vectors.
template <EpsilonPlacement kPlacement, class D>
HWY_INLINE hn::Vec<D> InverseDeviations(D d, hn::Vec<D> variance, hn::Vec<D> epsilon) {
  hn::Vec<D> deviation;
  if constexpr (kPlacement == EpsilonPlacement::kInsideRoot) {
    deviation = hn::Sqrt(hn::Add(variance, epsilon));
  } else if constexpr (kPlacement == EpsilonPlacement::kOutsideRoot) {
    deviation = hn::Add(hn::Sqrt(variance), epsilon);
  } else if constexpr (kPlacement == EpsilonPlacement::kClampVariance) {
    deviation = hn::Sqrt(MaxOf(variance, epsilon));
  } else {
    deviation = MaxOf(hn::Sqrt(variance), epsilon);
  }
  const auto is_zero = hn::Lt(deviation, hn::Set(d, kSmallestDeviation));
  return hn::IfThenZeroElse(is_zero, hn::Div(hn::Set(d, 1.0), deviation));
}

template <EpsilonPlacement kPlacement>
struct ChannelScale {
  const double* spread;
  double to_variance, epsilon;
  const double* gamma;
  double* scale;

  template <class D>
  HWY_INLINE void operator()(D d, int64_t c) const {
    const auto variance = hn::Mul(hn::LoadU(d, spread + c), hn::Set(d, to_variance));
    auto result = InverseDeviations<kPlacement>(d, variance, hn::Set(d, epsilon));
    if (gamma != nullptr) result = hn::Mul(result, hn::LoadU(d, gamma + c));
    hn::StoreU(result, d, scale + c);
  }
};

template <class Body>
HWY_INLINE void VisitPlacement(EpsilonPlacement placement, const Body& body) {
  switch (placement) {
    case EpsilonPlacement::kInsideRoot:
      return body.template operator()<EpsilonPlacement::kInsideRoot>();
    case EpsilonPlacement::kOutsideRoot:
      return body.template operator()<EpsilonPlacement::kOutsideRoot>();
    case EpsilonPlacement::kClampVariance:
      return body.template operator()<EpsilonPlacement::kClampVariance>();
    case EpsilonPlacement::kClampDeviation:
      return body.template operator()<EpsilonPlacement::kClampDeviation>();
  }
}

inline void ComputeChannelScale(const double* spread, double divisor, const Epsilon& epsilon,
                                const double* gamma, int64_t channels, double* scale) {
  VisitPlacement(epsilon.placement, [&]<EpsilonPlacement kPlacement>() HWY_ATTR {
    ForEachElement(channels,
                   ChannelScale<kPlacement>{spread, 1 / divisor, epsilon.value, gamma, scale});
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace normd::kernels
HWY_AFTER_NAMESPACE();
#endif  // !NORMD_TARGET_IS_PORTABLE

#endif  // include guard
