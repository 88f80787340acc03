// Named defaults: those of one release of each framework.
#ifndef NORMD_CORE_METHOD_PROFILE_H_
#define NORMD_CORE_METHOD_PROFILE_H_

#include <array>

#include "core/kernels/epsilon.h"
#include "core/statistics/estimator.h"

namespace normd {

// PyTorch 2.15, Keras 3.15, Flax 0.12 (linen; jax.nn where linen has no layer), ONNX 1.23.
enum class Profile { kPyTorch, kKeras, kFlax, kOnnx };

// A default for each profile, in their order.
using EpsilonDefaults = std::array<Epsilon, 4>;

// Running statistics of BatchNorm layers.
BatchEma DefaultBatchEma(Profile profile);
CumulativeBatch DefaultCumulativeBatch(Profile profile);

// Where channels are: axis 1, or the last one.
int DefaultChannelAxis(Profile profile);

}  // namespace normd

#endif  // NORMD_CORE_METHOD_PROFILE_H_
