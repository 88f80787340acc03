// Quantiles of magnitudes in bounded memory.
#ifndef NORMD_CORE_COMPARISON_GAP_QUANTILES_H_
#define NORMD_CORE_COMPARISON_GAP_QUANTILES_H_

#include <array>
#include <cstdint>

namespace normd {

// Of values that are not negative, within 0.5 % of each from 2^-40 to 2^24; what is smaller counts
// as 0, what is larger as 2^24. Bins are of equal ratio (DDSketch: Masson, Rim and Lee 2019,
// arXiv:1908.10693). A value.
class GapQuantiles {
 public:
  void Add(double value);

  int64_t count() const { return count_; }
  double largest() const { return largest_; }  // exact

  // The smallest value that at least `share` of all do not exceed. 0 without values.
  double Quantile(double share) const;

 private:
  static constexpr int kLowest = -40;
  static constexpr int kHighest = 24;
  static constexpr int kBinsPerOctave = 70;  // 2^(1 / 70) is 1.0099...

  std::array<int64_t, (kHighest - kLowest)* kBinsPerOctave> bins_ = {};
  int64_t zeros_ = 0;
  int64_t count_ = 0;
  double largest_ = 0;
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_GAP_QUANTILES_H_
