// Mean and centered sum of squares of each channel. Included once per SIMD target.
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

struct NeighborSums {
  HWY_ALIGN double mean[kNeighbors] = {};
  HWY_ALIGN double s1[kNeighbors] = {};
  HWY_ALIGN double s2[kNeighbors] = {};
};

// Up to kNeighbors channels; `stride` lies between the values of a channel.
HWY_INLINE void ComputeNeighborMoments(const float* x, int64_t values, int64_t stride,
                                       int64_t channels, double* mean, double* m2) {
  const double count = static_cast<double>(values);
  NeighborSums sums;
  for (int64_t i = 0; i < values; ++i) {
    for (int64_t c = 0; c < channels; c += kLanes) {
      ValueSum block;
      block.sum.Load(sums.mean + c);
      AddSpan(x + i * stride + c, std::min(kLanes, channels - c), 0, block);
      block.sum.Store(sums.mean + c);
    }
  }
  for (double& sum : sums.mean) sum /= count;
  for (int64_t i = 0; i < values; ++i) {
    for (int64_t c = 0; c < channels; c += kLanes) {
      DeviationLaneSums block;
      block.mean.Load(sums.mean + c);
      block.s1.Load(sums.s1 + c);
      block.s2.Load(sums.s2 + c);
      AddSpan(x + i * stride + c, std::min(kLanes, channels - c), 0, block);
      block.s1.Store(sums.s1 + c);
      block.s2.Store(sums.s2 + c);
    }
  }
  for (int64_t c = 0; c < channels; ++c) {
    const DeviationSums channel{sums.s1[c], sums.s2[c]};
    mean[c] = channel.CorrectedMean(sums.mean[c], count);
    m2[c] = channel.CorrectedM2(count);
  }
}

inline void ComputeChannelMoments(const float* x, const ChannelLayout& layout, double* mean,
                                  double* m2) {
  if (layout.inner > 1) return ComputePlaneMoments<Sums>(x, layout, mean, m2);
  for (int64_t c = 0; c < layout.channels; c += kNeighbors) {
    ComputeNeighborMoments(x + c, layout.outer, layout.channels,
                           std::min(kNeighbors, layout.channels - c), mean + c, m2 + c);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace normd::kernels
HWY_AFTER_NAMESPACE();
#endif  // !NORMD_TARGET_IS_PORTABLE

#endif  // include guard
