// The extremes of each channel.
#ifndef NORMD_CORE_STATISTICS_EXTREMES_H_
#define NORMD_CORE_STATISTICS_EXTREMES_H_

#include <cstdint>
#include <vector>

#include "core/tensor/channel_layout.h"
#include "core/tensor/element_type.h"

namespace normd {

struct Extremes {
  double count = 0;             // values per channel
  std::vector<double> minimum;  // one per channel; +infinity where nothing was seen
  std::vector<double> maximum;  // one per channel; -infinity where nothing was seen

  explicit Extremes(int64_t channels) : minimum(channels), maximum(channels) {}

  // Replaces these extremes by those of `x`, whose values must be finite, reusing the arrays.
  void Compute(ConstElements x, const ChannelLayout& layout);
};

}  // namespace normd

#endif  // NORMD_CORE_STATISTICS_EXTREMES_H_
