#include "core/method/method.h"

namespace normd {
namespace {

using kernels::RowStatistic;

// Placements of epsilon other than inside the root.
constexpr auto kOutside = EpsilonPlacement::kOutsideRoot;
constexpr auto kClamped = EpsilonPlacement::kClampDeviation;

// By profile: PyTorch, Keras, Flax, ONNX.
constexpr EpsilonDefaults kOfBatchNorm{{{1e-5}, {1e-3}, {1e-5}, {1e-5}}};
constexpr EpsilonDefaults kOfLayers{{{1e-5}, {1e-3}, {1e-6}, {1e-5}}};
constexpr EpsilonDefaults kOfRmsNorm{{{0x1p-23}, {1e-6}, {1e-6}, {1e-5}}};
constexpr EpsilonDefaults kOfLpNorm{{{1e-12, kClamped}, {1e-12, kClamped}, {1e-12}, {0, kClamped}}};
constexpr EpsilonDefaults kOfScaleNorm{
    {{1e-5, kClamped}, {1e-5, kClamped}, {1e-5, kClamped}, {1e-5, kClamped}}};  // the authors'
constexpr EpsilonDefaults kOfStandardization{{{0}, {1e-7, kClamped}, {1e-5}, {1e-9, kOutside}}};

constexpr char kStandardized[] = "(x - mean) / sqrt(variance + epsilon) * gamma + beta";

constexpr MethodTraits kMethods[] = {
    {.method = Method::kBatchNorm,
     .name = "batch_norm",
     .title = "BatchNorm",
     .shared_over = SharedOver::kChannel,
     .shared_over_words = "each channel, over all rows and positions of the batch",
     .statistic = RowStatistic::kMeanVariance,
     .formula = kStandardized,
     .fixes = "distribution",
     .depends_on_batch = true,
     .keeps_running_statistics = true,
     .same_in_training_and_inference = false,
     .typical_use = "convolutional networks",
     .epsilon = kOfBatchNorm},
    {.method = Method::kDynamicTanh,
     .name = "dynamic_tanh",
     .title = "DyT",
     .shared_over = SharedOver::kNothing,
     .shared_over_words = "nothing: each element by itself",
     .statistic = RowStatistic::kNone,
     .formula = "tanh(alpha * x) * gamma + beta",
     .fixes = "nothing",
     .depends_on_batch = false,
     .keeps_running_statistics = false,
     .same_in_training_and_inference = true,
     .typical_use = "Transformers without normalization"},
    {.method = Method::kGroupNorm,
     .name = "group_norm",
     .title = "GroupNorm",
     .shared_over = SharedOver::kChannelGroup,
     .shared_over_words = "groups of channels, over all positions of each row",
     .statistic = RowStatistic::kMeanVariance,
     .formula = kStandardized,
     .fixes = "distribution",
     .depends_on_batch = false,
     .keeps_running_statistics = false,
     .same_in_training_and_inference = true,
     .typical_use = "detection, diffusion models",
     .epsilon = kOfLayers},
    {.method = Method::kInstanceNorm,
     .name = "instance_norm",
     .title = "InstanceNorm",
     .shared_over = SharedOver::kChannelGroup,
     .shared_over_words = "each channel, over all positions of each row",
     .statistic = RowStatistic::kMeanVariance,
     .formula = kStandardized,
     .fixes = "distribution",
     .depends_on_batch = false,
     .keeps_running_statistics = false,
     .same_in_training_and_inference = true,
     .typical_use = "style transfer",
     .epsilon = kOfLayers},
    {.method = Method::kLayerNorm,
     .name = "layer_norm",
     .title = "LayerNorm",
     .shared_over = SharedOver::kTrailingDimensions,
     .shared_over_words = "the trailing dimensions of each row",
     .statistic = RowStatistic::kMeanVariance,
     .formula = kStandardized,
     .fixes = "distribution",
     .depends_on_batch = false,
     .keeps_running_statistics = false,
     .same_in_training_and_inference = true,
     .typical_use = "Transformers, recurrent networks",
     .epsilon = kOfLayers},
    {.method = Method::kLpNorm,
     .name = "lp_norm",
     .title = "Lp normalization",
     .shared_over = SharedOver::kTrailingDimensions,
     .shared_over_words = "the trailing dimensions of each row",
     .statistic = RowStatistic::kSquareSum,
     .formula = "x / max(norm(x), epsilon), the norm being L1, L2 or L-infinity",
     .fixes = "length",
     .depends_on_batch = false,
     .keeps_running_statistics = false,
     .same_in_training_and_inference = true,
     .typical_use = "embeddings, retrieval, query and key of attention",
     .epsilon = kOfLpNorm},
    {.method = Method::kMinMax,
     .name = "min_max",
     .title = "Min-max",
     .shared_over = SharedOver::kChannel,
     .shared_over_words = "each channel, over all rows and positions of the batch",
     .statistic = RowStatistic::kExtremes,
     .formula = "(x - minimum) / (maximum - minimum) * (high - low) + low",
     .fixes = "range",
     .depends_on_batch = true,
     .keeps_running_statistics = true,
     .same_in_training_and_inference = false,
     .typical_use = "features of bounded range, images"},
    {.method = Method::kRmsNorm,
     .name = "rms_norm",
     .title = "RMSNorm",
     .shared_over = SharedOver::kTrailingDimensions,
     .shared_over_words = "the trailing dimensions of each row",
     .statistic = RowStatistic::kMeanSquare,
     .formula = "x / sqrt(mean(x^2) + epsilon) * gamma + beta",
     .fixes = "length",
     .depends_on_batch = false,
     .keeps_running_statistics = false,
     .same_in_training_and_inference = true,
     .typical_use = "LLaMA-type Transformers",
     .epsilon = kOfRmsNorm},
    {.method = Method::kRowMinMax,
     .name = "row_min_max",
     .title = "Min-max within rows",
     .shared_over = SharedOver::kTrailingDimensions,
     .shared_over_words = "the trailing dimensions of each row",
     .statistic = RowStatistic::kExtremes,
     .formula = "(x - minimum) / (maximum - minimum) * (high - low) + low",
     .fixes = "range",
     .depends_on_batch = false,
     .keeps_running_statistics = false,
     .same_in_training_and_inference = true,
     .typical_use = "single images, spectra"},
    {.method = Method::kRowStandardization,
     .name = "row_standardization",
     .title = "Standardization within rows",
     .shared_over = SharedOver::kTrailingDimensions,
     .shared_over_words = "the trailing dimensions of each row",
     .statistic = RowStatistic::kMeanVariance,
     .formula = "(x - mean) / deviation",
     .fixes = "distribution",
     .depends_on_batch = false,
     .keeps_running_statistics = false,
     .same_in_training_and_inference = true,
     .typical_use = "single images, time series",
     .epsilon = kOfStandardization},
    {.method = Method::kScaleNorm,
     .name = "scale_norm",
     .title = "ScaleNorm",
     .shared_over = SharedOver::kTrailingDimensions,
     .shared_over_words = "the trailing dimensions of each row",
     .statistic = RowStatistic::kSquareSum,
     .formula = "gain * x / max(L2 norm(x), epsilon)",
     .fixes = "length",
     .depends_on_batch = false,
     .keeps_running_statistics = false,
     .same_in_training_and_inference = true,
     .typical_use = "Transformers for translation",
     .epsilon = kOfScaleNorm},
    {.method = Method::kStandardization,
     .name = "standardization",
     .title = "Standardization",
     .shared_over = SharedOver::kChannel,
     .shared_over_words = "each channel, over all rows and positions of the batch",
     .statistic = RowStatistic::kMeanVariance,
     .formula = "(x - mean) / deviation",
     .fixes = "distribution",
     .depends_on_batch = true,
     .keeps_running_statistics = true,
     .same_in_training_and_inference = false,
     .typical_use = "tabular features, observations of agents",
     .epsilon = kOfStandardization},
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
