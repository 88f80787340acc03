#include "core/kernels/channel_kernels.h"

#include <algorithm>
#include <atomic>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/channel_kernels.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h, which includes this file once more for each further target.
#include "core/kernels/channel_affine-inl.h"
#include "core/kernels/channel_moments-inl.h"
#include "core/kernels/channel_statistics-inl.h"
#include "core/kernels/output_size.h"
#include "core/kernels/parts.h"
#include "core/kernels/token-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace normd::kernels {
namespace HWY_NAMESPACE {

#if NORMD_TARGET_IS_PORTABLE

using portable::ComputeChannelMoments;
using portable::ComputeChannelScale;
using portable::FoldAndNormalizeToken;
using portable::FoldAverage;
using portable::FoldExtremes;
using portable::FoldTokens;
using portable::MergeChannelMoments;
using portable::Narrowed;
using portable::NormalizeChannels;

#endif  // NORMD_TARGET_IS_PORTABLE

}  // namespace HWY_NAMESPACE
}  // namespace normd::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace normd::kernels {

HWY_EXPORT(ComputeChannelMoments);
HWY_EXPORT(MergeChannelMoments);
HWY_EXPORT(FoldAverage);
HWY_EXPORT(FoldExtremes);
HWY_EXPORT(FoldTokens);
HWY_EXPORT(ComputeChannelScale);
HWY_EXPORT(FoldAndNormalizeToken);
HWY_EXPORT(Narrowed);
HWY_EXPORT(NormalizeChannels);

// Of NormalizeByOwnMoments: what the second cache holds, so that it is read from memory once; of
// neighbors, what memory reads in long pieces, and as many as their coefficients stay in the first.
constexpr int64_t kBlockBytes = 512 << 10;
constexpr int64_t kFewestNeighbors = 256;
constexpr int64_t kMostChannelsAtOnce = 512;

int64_t ChannelsAtOnce(const ChannelLayout& layout, ElementType type) {
  return std::clamp<int64_t>(kBlockBytes / (layout.values_per_channel() * SizeOf(type)), 1,
                             kMostChannelsAtOnce);
}

void ComputeChannelMoments(ConstElements x, const ChannelLayout& layout, double* mean, double* m2,
                           Executor& executor) {
  // Each channel is summed by one thread; neighbors by the same, in pieces that caches hold.
  const int64_t step = layout.inner == 1 ? 16 : 1;
  const int64_t channel_bytes = layout.values_per_channel() * SizeOf(x.type);
  ForEachPart(executor, layout.channels, step, channel_bytes, [&](Part part) {
    HWY_DYNAMIC_DISPATCH(ComputeChannelMoments)
    (x, layout, part, mean + part.begin, m2 + part.begin);
  });
}

void FoldExtremes(ConstElements x, const ChannelLayout& layout, double* minimum, double* maximum) {
  HWY_DYNAMIC_DISPATCH(FoldExtremes)(x, layout, minimum, maximum);
}

void MergeChannelMoments(double count_a, double count_b, const double* mean_b, const double* m2_b,
                         int64_t channels, double* mean_a, double* m2_a) {
  HWY_DYNAMIC_DISPATCH(MergeChannelMoments)
  (count_a, count_b, mean_b, m2_b, channels, mean_a, m2_a);
}

void FoldAverage(double weight, const double* value, int64_t size, double* average) {
  HWY_DYNAMIC_DISPATCH(FoldAverage)(weight, value, size, average);
}

void FoldTokens(ConstElements x, const ChannelLayout& layout, double alpha, double* mean,
                double* variance) {
  HWY_DYNAMIC_DISPATCH(FoldTokens)(x, layout, alpha, mean, variance);
}

void ComputeChannelScale(const double* spread, double divisor, const Epsilon& epsilon,
                         const double* gamma, int64_t channels, double* scale) {
  HWY_DYNAMIC_DISPATCH(ComputeChannelScale)(spread, divisor, epsilon, gamma, channels, scale);
}

void FoldAndNormalizeToken(const TokenStep& step, ConstElements x, int64_t channels, double* mean,
                           double* spread, Elements y) {
  HWY_DYNAMIC_DISPATCH(FoldAndNormalizeToken)(step, x, channels, mean, spread, y);
}

ChannelAffine Narrowed(const ChannelAffine& affine, int64_t channels, float* narrow) {
  return HWY_DYNAMIC_DISPATCH(Narrowed)(affine, channels, narrow);
}

bool NormalizeChannels(const ChannelAffine& affine, ConstElements x, const ChannelLayout& layout,
                       Elements y, Executor& executor) {
  const int64_t y_bytes = layout.span_size() * SizeOf(y.type);
  const bool past_caches = layout.spans() * y_bytes >= kLeastOutputPastCaches;
  return AllFiniteInParts(executor, layout.spans(), layout.span_size() * SizeOf(x.type) + y_bytes,
                          [&](Part part) {
                            return HWY_DYNAMIC_DISPATCH(NormalizeChannels)(
                                affine, x, layout, part, {0, layout.channels}, y, past_caches);
                          });
}

bool GainsByBlocks(const ChannelLayout& layout, ElementType type) {
  return layout.inner > 1 || ChannelsAtOnce(layout, type) >= kFewestNeighbors;
}

bool NormalizeByOwnMoments(const OwnScale& own, ConstElements x, const ChannelLayout& layout,
                           Elements y, Executor& executor) {
  const int64_t channel_bytes = layout.values_per_channel() * SizeOf(x.type);
  const int64_t step = layout.inner == 1 ? kFewestNeighbors : 1;
  const int64_t at_once = std::max(step, ChannelsAtOnce(layout, x.type) / step * step);
  const bool past_caches = layout.size() * SizeOf(y.type) >= kLeastOutputPastCaches;
  std::atomic<bool> all_finite = true;
  ForEachPart(executor, layout.channels, step, 2 * channel_bytes, [&](Part part) {
    HWY_ALIGN double mean[kMostChannelsAtOnce];
    HWY_ALIGN double scale[kMostChannelsAtOnce];
    HWY_ALIGN float narrow[4 * kMostChannelsAtOnce];
    for (int64_t c = part.begin; c < part.end; c += at_once) {
      const Part some{c, std::min(part.end, c + at_once)};
      HWY_DYNAMIC_DISPATCH(ComputeChannelMoments)(x, layout, some, mean, scale);
      ComputeChannelScale(scale, static_cast<double>(layout.values_per_channel()), own.epsilon,
                          own.gamma != nullptr ? own.gamma + c : nullptr, some.size(), scale);
      ChannelAffine affine{mean, scale, own.beta != nullptr ? own.beta + c : nullptr};
      if (layout.inner == 1) affine = Narrowed(affine, some.size(), narrow);
      if (!HWY_DYNAMIC_DISPATCH(NormalizeChannels)(affine, x, layout, {0, layout.spans()}, some, y,
                                                   past_caches)) {
        all_finite.store(false, std::memory_order_relaxed);
      }
    }
  });
  return all_finite.load(std::memory_order_relaxed);
}

}  // namespace normd::kernels
#endif  // HWY_ONCE
