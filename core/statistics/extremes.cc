#include "core/statistics/extremes.h"

#include <limits>

#include "core/kernels/channel_kernels.h"

namespace normd {

void Extremes::Compute(ConstElements x, const ChannelLayout& layout) {
  count = static_cast<double>(layout.values_per_channel());
  minimum.assign(layout.channels, std::numeric_limits<double>::infinity());
  maximum.assign(layout.channels, -std::numeric_limits<double>::infinity());
  kernels::FoldExtremes(x, layout, minimum.data(), maximum.data());
}

}  // namespace normd
