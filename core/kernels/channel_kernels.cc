#include "core/kernels/channel_kernels.h"

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

void ComputeChannelMoments(ConstElements x, const ChannelLayout& layout, double* mean, double* m2,
                           Executor& executor) {
  // Each channel is summed by one thread; neighbors by the same, in pieces that caches hold.
  const int64_t step = layout.inner == 1 ? 16 : 1;
  const int64_t channel_bytes = layout.values_per_channel() * SizeOf(x.type);
  ForEachPart(executor, layout.channels, step, channel_bytes, [&](Part part) {
    HWY_DYNAMIC_DISPATCH(ComputeChannelMoments)(x, layout, part, mean, m2);
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
  return AllFiniteInParts(
      executor, layout.spans(), layout.span_size() * SizeOf(x.type) + y_bytes, [&](Part part) {
        return HWY_DYNAMIC_DISPATCH(NormalizeChannels)(affine, x, layout, part, y, past_caches);
      });
}

}  // namespace normd::kernels
#endif  // HWY_ONCE
