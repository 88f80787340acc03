// How variance splits among groups of tokens. See proto/normd/v1/report.proto, message Grouping.
#ifndef NORMD_CORE_COMPARISON_GROUP_SPLIT_H_
#define NORMD_CORE_COMPARISON_GROUP_SPLIT_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "core/statistics/moments.h"

namespace normd {

struct Grouping {
  int64_t groups = 0;
  int64_t tokens = 0;
  double within_share = 0;
  double intraclass_correlation = 0;
  std::vector<int64_t> constant_positions;
};

// One-way analysis of variance, channel by channel. A value that does not grow.
class GroupSplit {
 public:
  explicit GroupSplit(int64_t channels) : total_(channels), within_(channels) {}

  // A group with its moments, of at least one token.
  void Add(const Moments& group);

  // Channels without variance are left out. Absent for fewer than two groups, or where none has two
  // tokens.
  std::optional<Grouping> Result() const;

 private:
  int64_t groups_ = 0;
  double squared_sizes_ = 0;
  Moments total_;
  std::vector<double> within_;
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_GROUP_SPLIT_H_
