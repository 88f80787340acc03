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
    {.method = Method::kDynamicTanh,
     .name = "dynamic_tanh",
     .title = "DyT",
     .shared_over = SharedOver::kNothing,
     .shared_over_words = "nothing: each element by itself",
     .statistic = RowStatistic::kNone,
     .formula = "tanh(alpha * x) * gamma + beta",
     .depends_on_batch = false,
     .keeps_running_statistics = false,
     .same_in_training_and_inference = true,
     .typical_use = "Transformers without normalization"},
    {.method = Method::kGroupNorm,
     .name = "group_norm",
     .title = "GroupNorm",
     .shared_over = SharedOver::kChannelGroup,
     .shared_over_words = "groups of channels, over all positions of each row",
     .formula = "(x - mean) / sqrt(variance + epsilon) * gamma + beta",
     .depends_on_batch = false,
     .keeps_running_statistics = false,
     .same_in_training_and_inference = true,
     .typical_use = "detection, diffusion models",
     .default_epsilon = 1e-5},
    {.method = Method::kInstanceNorm,
     .name = "instance_norm",
     .title = "InstanceNorm",
     .shared_over = SharedOver::kChannelGroup,
     .shared_over_words = "each channel, over all positions of each row",
     .formula = "(x - mean) / sqrt(variance + epsilon) * gamma + beta",
     .depends_on_batch = false,
     .keeps_running_statistics = false,
     .same_in_training_and_inference = true,
     .typical_use = "style transfer",
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
    {.method = Method::kLpNorm,
     .name = "lp_norm",
     .title = "Lp normalization",
     .shared_over = SharedOver::kTrailingDimensions,
     .shared_over_words = "the trailing dimensions of each row",
     .statistic = RowStatistic::kSquareSum,
     .formula = "x / max(norm(x), epsilon), the norm being L1, L2 or L-infinity",
     .depends_on_batch = false,
     .keeps_running_statistics = false,
     .same_in_training_and_inference = true,
     .typical_use = "embeddings, retrieval, query and key of attention",
     .default_epsilon = 1e-12,
     .default_placement = EpsilonPlacement::kClampDeviation},
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
    {.method = Method::kScaleNorm,
     .name = "scale_norm",
     .title = "ScaleNorm",
     .shared_over = SharedOver::kTrailingDimensions,
     .shared_over_words = "the trailing dimensions of each row",
     .statistic = RowStatistic::kSquareSum,
     .formula = "gain * x / max(L2 norm(x), epsilon)",
     .depends_on_batch = false,
     .keeps_running_statistics = false,
     .same_in_training_and_inference = true,
     .typical_use = "Transformers for translation",
     .default_epsilon = 1e-5,
     .default_placement = EpsilonPlacement::kClampDeviation},
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
