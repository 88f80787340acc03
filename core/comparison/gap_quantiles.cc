#include "core/comparison/gap_quantiles.h"

#include <algorithm>
#include <cmath>

namespace normd {

void GapQuantiles::Add(double value) {
  ++count_;
  largest_ = std::max(largest_, value);
  if (value < std::ldexp(1.0, kLowest)) {
    ++zeros_;
    return;
  }
  const double bin = (std::log2(value) - kLowest) * kBinsPerOctave;
  ++bins_[static_cast<size_t>(std::min(bin, static_cast<double>(bins_.size() - 1)))];
}

double GapQuantiles::Quantile(double share) const {
  const double least = share * static_cast<double>(count_);
  auto seen = static_cast<double>(zeros_);
  if (seen >= least) return 0;
  for (size_t bin = 0; bin < bins_.size(); ++bin) {
    seen += static_cast<double>(bins_[bin]);
    if (seen < least) continue;
    const double center = std::exp2(kLowest + (static_cast<double>(bin) + 0.5) / kBinsPerOctave);
    return std::min(center, largest_);
  }
  return largest_;
}

}  // namespace normd
