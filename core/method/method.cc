#include "core/method/method.h"

namespace normd {
namespace {

using kernels::RowStatistic;

// Defaults are PyTorch 2.4's.
constexpr MethodTraits kMethods[] = {
    {.method = Method::kBatchNorm,
     .name = "batch_norm",
     .title = "BatchNorm",
     .shared_over = SharedOver::kChannel,
     .shared_over_words = "each channel, over all rows and positions of the batch",
     .statistic = RowStatistic::kMeanVariance,
     .formula = "(x - mean) / sqrt(variance + epsilon) * gamma + beta",
     .depends_on_batch = true,
     .keeps_running_statistics = true,
     .same_in_training_and_inference = false,
     .typical_use = "convolutional networks",
     .default_epsilon = 1e-5},
    {.method = Method::kLayerNorm,
     .name = "layer_norm",
     .title = "LayerNorm",
     .shared_over = SharedOver::kTrailingDimensions,
     .shared_over_words = "the trailing dimensions of each row",
     .statistic = RowStatistic::kMeanVariance,
     .formula = "(x - mean) / sqrt(variance + epsilon) * gamma + beta",
     .depends_on_batch = false,
     .keeps_running_statistics = false,
     .same_in_training_and_inference = true,
     .typical_use = "Transformers, recurrent networks",
     .default_epsilon = 1e-5},
    {.method = Method::kRmsNorm,
     .name = "rms_norm",
     .title = "RMSNorm",
     .shared_over = SharedOver::kTrailingDimensions,
     .shared_over_words = "the trailing dimensions of each row",
     .statistic = RowStatistic::kMeanSquare,
     .formula = "x / sqrt(mean(x^2) + epsilon) * gamma + beta",
     .depends_on_batch = false,
     .keeps_running_statistics = false,
     .same_in_training_and_inference = true,
     .typical_use = "LLaMA-type Transformers",
     .default_epsilon = 0x1p-23},
};

constexpr bool IsIndexedByMethod() {
  int index = 0;
  for (const MethodTraits& traits : kMethods) {
    if (static_cast<int>(traits.method) != index++) return false;
  }
  return true;
}
static_assert(IsIndexedByMethod());

}  // namespace

absl::Span<const MethodTraits> Methods() { return kMethods; }

const MethodTraits& TraitsOf(Method method) { return kMethods[static_cast<int>(method)]; }

}  // namespace normd
