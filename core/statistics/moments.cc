#include "core/statistics/moments.h"

#include "core/kernels/channel_kernels.h"

namespace normd {

void Moments::Compute(ConstElements x, const ChannelLayout& layout, Executor& executor) {
  mean.resize(layout.channels);
  m2.resize(layout.channels);
  count = static_cast<double>(layout.values_per_channel());
  if (count > 0) kernels::ComputeChannelMoments(x, layout, mean.data(), m2.data(), executor);
}

void Moments::Merge(const Moments& other) {
  if (other.count == 0) return;
  if (count == 0) {  // whatever the arrays hold
    *this = other;
    return;
  }
  kernels::MergeChannelMoments(count, other.count, other.mean.data(), other.m2.data(),
                               static_cast<int64_t>(mean.size()), mean.data(), m2.data());
  count += other.count;
}

}  // namespace normd
