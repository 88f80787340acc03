// Moments per channel: count, mean and centered sum of squares. A value that merges.
#ifndef NORMD_CORE_STATISTICS_MOMENTS_H_
#define NORMD_CORE_STATISTICS_MOMENTS_H_

#include <cstdint>
#include <vector>

#include "core/kernels/executor.h"
#include "core/tensor/channel_layout.h"
#include "core/tensor/element_type.h"

namespace normd {

struct Moments {
  double count = 0;          // values per channel
  std::vector<double> mean;  // one per channel
  std::vector<double> m2;    // sum of (x - mean)^2, one per channel

  explicit Moments(int64_t channels) : mean(channels), m2(channels) {}

  // Replaces these moments by those of `x`, reusing the arrays. An empty layout gives count 0.
  void Compute(ConstElements x, const ChannelLayout& layout, Executor& executor = SerialExecutor());

  // Merges `other` in (Chan, Golub and LeVeque 1979). Agrees with the pooled data's moments to
  // rounding; the bits depend on the order of merges.
  void Merge(const Moments& other);
};

}  // namespace normd

#endif  // NORMD_CORE_STATISTICS_MOMENTS_H_
