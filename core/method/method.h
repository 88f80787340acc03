// The table of methods: the only list of them. Validation, the ListMethods answer, `normctl
// methods` and the tests' loops derive from it.
#ifndef NORMD_CORE_METHOD_METHOD_H_
#define NORMD_CORE_METHOD_METHOD_H_

#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/kernels/row_kernels.h"
#include "core/method/profile.h"

namespace normd {

enum class Method {
  kBatchNorm,
  kDynamicTanh,
  kGroupNorm,
  kInstanceNorm,
  kLayerNorm,
  kLpNorm,
  kMinMax,
  kRmsNorm,
  kRowMinMax,
  kRowStandardization,
  kScaleNorm,
  kStandardization,
};

// Which elements share statistics.
enum class SharedOver {
  kNothing,             // each element by itself
  kTrailingDimensions,  // the last dimensions of each row; no row depends on another
  kChannelGroup,        // groups of each row's channels; no row depends on another
  kChannel,             // all values of a channel, over rows
};

struct MethodTraits {
  Method method;
  absl::string_view name;   // as in NormalizationSpec: "layer_norm"
  absl::string_view title;  // as people write it: "LayerNorm"
  SharedOver shared_over;
  absl::string_view shared_over_words;
  kernels::RowStatistic statistic = kernels::RowStatistic::kNone;
  absl::string_view formula;
  absl::string_view fixes;  // about the values: "range", "distribution", "length", "nothing"
  bool depends_on_batch;
  bool keeps_running_statistics;
  bool same_in_training_and_inference;
  absl::string_view typical_use;
  std::optional<EpsilonDefaults> epsilon = std::nullopt;  // none: the method has no epsilon
};

// All methods, in the order of their names.
absl::Span<const MethodTraits> Methods();

const MethodTraits& TraitsOf(Method method);

}  // namespace normd

#endif  // NORMD_CORE_METHOD_METHOD_H_
