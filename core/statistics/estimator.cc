#include "core/statistics/estimator.h"

#include "core/error/error.h"

namespace normd {

absl::Status Validate(const Estimator& estimator) {
  if (const auto* ema = std::get_if<BatchEma>(&estimator)) {
    // Written so that NaN fails.
    const bool momentum_in_range = ema->momentum >= 0 && ema->momentum <= 1;
    if (!momentum_in_range || !(ema->new_weight() > 0)) {
      return InvalidFieldError("batch_ema.momentum",
                               "must lie in [0, 1] and give a new batch a weight above 0");
    }
  }
  if (const auto* ema = std::get_if<TokenEma>(&estimator)) {
    if (!(ema->alpha > 0 && ema->alpha <= 1)) {
      return InvalidFieldError("token_ema.alpha", "must lie in (0, 1]");
    }
  }
  return absl::OkStatus();
}

bool TakesSingleTokens(const Estimator& estimator) {
  return !std::holds_alternative<CumulativeBatch>(estimator) &&
         !std::holds_alternative<BatchEma>(estimator);
}

}  // namespace normd
