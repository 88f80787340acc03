// A histogram of outputs.
#ifndef NORMD_CORE_COMPARISON_DENSITY_H_
#define NORMD_CORE_COMPARISON_DENSITY_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace normd {

// 64 bins from -4 to 4; the first and last hold what lies beyond. A value.
class Density {
 public:
  static constexpr double kLow = -4;
  static constexpr double kHigh = 4;

  void Add(const double* values, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      const double bin = (std::clamp(values[i], kLow, kHigh) - kLow) / (kHigh - kLow) * kBins;
      ++bins_[std::min(static_cast<size_t>(bin), kBins - 1)];
    }
    count_ += count;
  }

  std::vector<double> Shares() const {
    std::vector<double> shares;
    for (const int64_t bin : bins_) {
      shares.push_back(static_cast<double>(bin) /
                       static_cast<double>(std::max(count_, int64_t{1})));
    }
    return shares;
  }
  bool empty() const { return count_ == 0; }

 private:
  static constexpr size_t kBins = 64;

  std::array<int64_t, kBins> bins_ = {};
  int64_t count_ = 0;
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_DENSITY_H_
