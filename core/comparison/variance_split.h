// What LayerNorm removes of tokens, and what BatchNorm does. See proto/normd/v1/report.proto,
// message VarianceSplit.
#ifndef NORMD_CORE_COMPARISON_VARIANCE_SPLIT_H_
#define NORMD_CORE_COMPARISON_VARIANCE_SPLIT_H_

#include <vector>

#include "core/comparison/tokens.h"
#include "core/statistics/moments.h"

namespace normd {

struct VarianceSplit {
  double token_share = 0;
  double channel_share = 0;
  double residual_share = 0;
  double token_scale_variation = 0;
  double channel_scale_variation = 0;
};

// Two-way analysis of variance, tokens x channels. A value that does not grow.
class TokenScales {
 public:
  TokenScales() : means_(1), deviations_(1) {}

  void Add(const Tokens& tokens);

  // With the moments of the same tokens by channel.
  VarianceSplit Result(const Moments& channels) const;

 private:
  Moments means_;                      // of the tokens' means
  Moments deviations_;                 // of the tokens' deviations
  std::vector<double> mean_, spread_;  // scratch
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_VARIANCE_SPLIT_H_
