// How running statistics follow the data. See proto/normd/v1/method.proto, message Estimator.
#ifndef NORMD_CORE_STATISTICS_ESTIMATOR_H_
#define NORMD_CORE_STATISTICS_ESTIMATOR_H_

#include <variant>

#include "absl/status/status.h"

namespace normd {

struct Cumulative {};

struct CumulativeBatch {
  bool unbiased = true;
};

enum class MomentumConvention { kNewWeight, kOldWeight };

struct BatchEma {
  double momentum = 0.1;
  MomentumConvention convention = MomentumConvention::kNewWeight;
  bool unbiased = true;

  double new_weight() const {
    return convention == MomentumConvention::kNewWeight ? momentum : 1 - momentum;
  }
};

struct TokenEma {
  double alpha = 0.001;
};

// The extremes of all values ever seen: the only one of MinMax.
struct RunningExtremes {};

using Estimator = std::variant<Cumulative, CumulativeBatch, BatchEma, TokenEma, RunningExtremes>;

// INVALID_ARGUMENT with the field's path ("batch_ema.momentum", "token_ema.alpha") where a
// parameter is out of its range or not finite.
absl::Status Validate(const Estimator& estimator);

// Whether single tokens may be folded in: not where batch variances are averaged.
bool TakesSingleTokens(const Estimator& estimator);

}  // namespace normd

#endif  // NORMD_CORE_STATISTICS_ESTIMATOR_H_
