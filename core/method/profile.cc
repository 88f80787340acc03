#include "core/method/profile.h"

namespace normd {

BatchEma DefaultBatchEma(Profile profile) {
  switch (profile) {
    case Profile::kPyTorch:
      return {.momentum = 0.1, .convention = MomentumConvention::kNewWeight, .unbiased = true};
    case Profile::kKeras:
    case Profile::kFlax:
      return {.momentum = 0.99, .convention = MomentumConvention::kOldWeight, .unbiased = false};
    case Profile::kOnnx:
      break;
  }
  return {.momentum = 0.9, .convention = MomentumConvention::kOldWeight, .unbiased = false};
}

CumulativeBatch DefaultCumulativeBatch(Profile profile) {
  return {.unbiased = profile == Profile::kPyTorch};
}

int DefaultChannelAxis(Profile profile) {
  return profile == Profile::kKeras || profile == Profile::kFlax ? -1 : 1;
}

}  // namespace normd
