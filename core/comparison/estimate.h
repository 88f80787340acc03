// Means over batches, with intervals that batches which resemble their neighbors do not narrow.
#ifndef NORMD_CORE_COMPARISON_ESTIMATE_H_
#define NORMD_CORE_COMPARISON_ESTIMATE_H_

#include <cstdint>
#include <optional>
#include <vector>

namespace normd {

// Of 95 %: low and high come together, or not at all.
struct Estimate {
  double value = 0;
  std::optional<double> low;
  std::optional<double> high;

  // All of it times `factor`, which must not be negative.
  Estimate Times(double factor) const;
  // Its root.
  Estimate Root() const;
};

// A mean of values that are not negative, in their order, by the method of batch means (Conway
// 1963): the interval is that of a t distribution over at most 32 blocks of 2^j neighboring values,
// j as small as can be. What fills no block enters the mean only. Bounded memory. A value.
class BlockMeans {
 public:
  void Add(double value);

  int64_t count() const { return count_; }
  double mean() const { return sum_ / static_cast<double>(count_); }

  // Absent without values; without an interval for fewer than 8.
  std::optional<Estimate> Result() const;

  // This mean over that of as many other values, added in turn with these; `divisor`'s must be
  // above 0. Absent as above; the interval is that of the blocks' residuals (Cochran 1977,
  // section 6.3).
  std::optional<Estimate> Over(const BlockMeans& divisor) const;

 private:
  // Half the interval of the mean of so many blocks; absent for too few.
  static std::optional<double> Reach(const std::vector<double>& blocks);

  int64_t count_ = 0;
  double sum_ = 0;
  std::vector<double> blocks_;  // sums
  double open_block_ = 0;       // the sum of what fills no block yet
  int64_t in_open_block_ = 0;
  int64_t block_size_ = 1;
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_ESTIMATE_H_
