#include "core/comparison/measurements.h"

#include <algorithm>

namespace normd {

void StreamMeasurements::Add(const Measurements& chunk) {
  values_ += chunk.values;
  largest_gap_ = std::max(largest_gap_, chunk.largest_gap);  // absent is below all numbers
  for (size_t i = 0; i < kAveraged.size(); ++i) {
    const std::optional<double>& figure = chunk.*kAveraged[i];
    if (!figure) continue;
    averages_[i].sum += *figure;
    ++averages_[i].chunks;
  }
}

Measurements StreamMeasurements::Result() const {
  Measurements result;
  result.values = values_;
  result.largest_gap = largest_gap_;
  for (size_t i = 0; i < kAveraged.size(); ++i) {
    if (averages_[i].chunks > 0) result.*kAveraged[i] = averages_[i].sum / averages_[i].chunks;
  }
  return result;
}

}  // namespace normd
