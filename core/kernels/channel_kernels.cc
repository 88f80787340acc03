#include "core/kernels/channel_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/kernels/channel_kernels.cc"
#include "hwy/foreach_target.h"
// After foreach_target.h, which includes this file once more for each further target.
#include "core/kernels/affine-inl.h"
#include "core/kernels/channel_moments-inl.h"
#include "core/kernels/channel_statistics-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace normd::kernels {
namespace HWY_NAMESPACE {

#if NORMD_TARGET_IS_PORTABLE

using portable::ComputeChannelMoments;
using portable::ComputeChannelScale;
using portable::FoldAverage;
using portable::FoldTokens;
using portable::MergeChannelMoments;
using portable::NormalizeChannels;

#else

void NormalizeChannels(const float* x, const ChannelLayout& layout, const double* mean,
                       const double* scale, const double* beta, float* y) {
  for (int64_t o = 0; o < layout.outer; ++o) {
    if (layout.inner == 1) {
      const int64_t begin = o * layout.channels;
      if (beta != nullptr) {
        WriteSpan(x + begin, layout.channels, Each{mean}, Each{scale}, None(), Each{beta},
                  y + begin);
      } else {
        WriteSpan(x + begin, layout.channels, Each{mean}, Each{scale}, None(), None(), y + begin);
      }
      continue;
    }
    for (int64_t c = 0; c < layout.channels; ++c) {
      const int64_t begin = (o * layout.channels + c) * layout.inner;
      if (beta != nullptr) {
        WriteSpan(x + begin, layout.inner, Same{mean[c]}, Same{scale[c]}, None(), Same{beta[c]},
                  y + begin);
      } else {
        WriteSpan(x + begin, layout.inner, Same{mean[c]}, Same{scale[c]}, None(), None(),
                  y + begin);
      }
    }
  }
}

#endif  // NORMD_TARGET_IS_PORTABLE

}  // namespace HWY_NAMESPACE
}  // namespace normd::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace normd::kernels {

HWY_EXPORT(ComputeChannelMoments);
HWY_EXPORT(MergeChannelMoments);
HWY_EXPORT(FoldAverage);
HWY_EXPORT(FoldTokens);
HWY_EXPORT(ComputeChannelScale);
HWY_EXPORT(NormalizeChannels);

void ComputeChannelMoments(const float* x, const ChannelLayout& layout, double* mean, double* m2) {
  HWY_DYNAMIC_DISPATCH(ComputeChannelMoments)(x, layout, mean, m2);
}

void MergeChannelMoments(double count_a, double count_b, const double* mean_b, const double* m2_b,
                         int64_t channels, double* mean_a, double* m2_a) {
  HWY_DYNAMIC_DISPATCH(MergeChannelMoments)
  (count_a, count_b, mean_b, m2_b, channels, mean_a, m2_a);
}

void FoldAverage(double weight, const double* value, int64_t size, double* average) {
  HWY_DYNAMIC_DISPATCH(FoldAverage)(weight, value, size, average);
}

void FoldTokens(const float* x, const ChannelLayout& layout, double alpha, double* mean,
                double* variance) {
  HWY_DYNAMIC_DISPATCH(FoldTokens)(x, layout, alpha, mean, variance);
}

void ComputeChannelScale(const double* spread, double divisor, const Epsilon& epsilon,
                         const double* gamma, int64_t channels, double* scale) {
  HWY_DYNAMIC_DISPATCH(ComputeChannelScale)(spread, divisor, epsilon, gamma, channels, scale);
}

void NormalizeChannels(const float* x, const ChannelLayout& layout, const double* mean,
                       const double* scale, const double* beta, float* y) {
  HWY_DYNAMIC_DISPATCH(NormalizeChannels)(x, layout, mean, scale, beta, y);
}

}  // namespace normd::kernels
#endif  // HWY_ONCE
