// Mean and centered sum of squares, and extremes, of each channel. Included once per SIMD target.
#if defined(NORMD_CORE_KERNELS_CHANNEL_MOMENTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef NORMD_CORE_KERNELS_CHANNEL_MOMENTS_INL_H_
#undef NORMD_CORE_KERNELS_CHANNEL_MOMENTS_INL_H_
#else
#define NORMD_CORE_KERNELS_CHANNEL_MOMENTS_INL_H_
#endif

#include <algorithm>

#include "core/kernels/lane_sums-inl.h"
#include "core/kernels/span_statistics.h"
#include "core/tensor/channel_layout.h"

#if !NORMD_TARGET_IS_PORTABLE
HWY_BEFORE_NAMESPACE();
namespace normd::kernels {
namespace HWY_NAMESPACE {

// As many neighboring channels of channels-last data as are taken at once: few enough for the
// stack, enough for memory to be read in long pieces. The results do not depend on it.
inline constexpr int64_t kNeighbors = 128;

// A sum for each of them.
template <typename T>
struct NeighborSums {
  HWY_ALIGN double sum[kNeighbors] = {};
  HWY_ALIGN double error[kIsCompensated<T> ? kNeighbors : kLanes] = {};

  HWY_INLINE LaneSum<T> Load(int64_t c) const {
    LaneSum<T> lanes;
    lanes.sum.Load(sum + c);
    if constexpr (kIsCompensated<T>) lanes.error.Load(error + c);
    return lanes;
  }
  HWY_INLINE void Store(const LaneSum<T>& lanes, int64_t c) {
    lanes.sum.Store(sum + c);
    if constexpr (kIsCompensated<T>) lanes.error.Store(error + c);
  }
  HWY_INLINE double Total(int64_t c) const {
    return kIsCompensated<T> ? WithError(sum[c], error[c]) : sum[c];
  }
};

// Up to kNeighbors channels; `stride` lies between the values of a channel.
template <typename T>
HWY_INLINE void ComputeNeighborMoments(const T* x, int64_t values, int64_t stride, int64_t channels,
                                       double* mean, double* m2) {
  const double count = static_cast<double>(values);
  NeighborSums<T> sums;
  for (int64_t i = 0; i < values; ++i) {
    for (int64_t c = 0; c < channels; c += kLanes) {
      ValueSum<T> block;
      block.sum = sums.Load(c);
      AddSpan(x + i * stride + c, std::min(kLanes, channels - c), 0, block);
      sums.Store(block.sum, c);
    }
  }
  HWY_ALIGN double first_mean[kNeighbors] = {};
  for (int64_t c = 0; c < channels; ++c) first_mean[c] = sums.Total(c) / count;
  NeighborSums<T> s1;
  NeighborSums<T> s2;
  for (int64_t i = 0; i < values; ++i) {
    for (int64_t c = 0; c < channels; c += kLanes) {
      DeviationLaneSums<T> block;
      block.mean.Load(first_mean + c);
      block.s1 = s1.Load(c);
      block.s2 = s2.Load(c);
      AddSpan(x + i * stride + c, std::min(kLanes, channels - c), 0, block);
      s1.Store(block.s1, c);
      s2.Store(block.s2, c);
    }
  }
  for (int64_t c = 0; c < channels; ++c) {
    const DeviationSums channel{s1.Total(c), s2.Total(c)};
    mean[c] = channel.CorrectedMean(first_mean[c], count);
    m2[c] = channel.CorrectedM2(count);
  }
}

inline void ComputeChannelMoments(ConstElements x, const ChannelLayout& layout, double* mean,
                                  double* m2) {
  VisitElementType(x.type, [&]<typename T>(ElementTag<T>) HWY_ATTR {
    const T* values = x.As<T>();
    if (layout.inner > 1) return ComputePlaneMoments<Sums>(values, layout, mean, m2);
    for (int64_t c = 0; c < layout.channels; c += kNeighbors) {
      ComputeNeighborMoments(values + c, layout.outer, layout.channels,
                             std::min(kNeighbors, layout.channels - c), mean + c, m2 + c);
    }
  });
}

// One position of channels-last data.
template <typename T>
struct FoldPosition {
  const T* x;
  double* minimum;
  double* maximum;

  template <class D>
  HWY_INLINE void operator()(D d, int64_t c) const {
    const auto value = hn::Add(Widen(d, x + c), hn::Zero(d));
    const auto low = hn::LoadU(d, minimum + c);
    const auto high = hn::LoadU(d, maximum + c);
    hn::StoreU(hn::IfThenElse(hn::Lt(value, low), value, low), d, minimum + c);
    hn::StoreU(hn::IfThenElse(hn::Lt(high, value), value, high), d, maximum + c);
  }
};

inline void FoldExtremes(ConstElements x, const ChannelLayout& layout, double* minimum,
                         double* maximum) {
  VisitElementType(x.type, [&]<typename T>(ElementTag<T>) HWY_ATTR {
    const T* values = x.As<T>();
    for (int64_t o = 0; o < layout.outer; ++o) {
      if (layout.inner == 1) {
        ForEachElement(layout.channels,
                       FoldPosition<T>{values + o * layout.channels, minimum, maximum});
        continue;
      }
      for (int64_t c = 0; c < layout.channels; ++c) {
        const Extremes plane =
            Sums<T>::ExtremesOf(values + (o * layout.channels + c) * layout.inner, layout.inner);
        minimum[c] = std::min(minimum[c], plane.minimum);
        maximum[c] = std::max(maximum[c], plane.maximum);
      }
    }
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace normd::kernels
HWY_AFTER_NAMESPACE();
#endif  // !NORMD_TARGET_IS_PORTABLE

#endif  // include guard
