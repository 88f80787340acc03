#include "server/observability/normalization_metrics.h"

#include <string>

namespace normd::server {

NormalizationMetrics::NormalizationMetrics(Metrics& metrics)
    : tokens_(Methods().size()), rejected_values_(Methods().size()), refusals_(metrics) {
  for (const MethodTraits& traits : Methods()) {
    const auto index = static_cast<size_t>(traits.method);
    const Metrics::Labels labels = {{"method", std::string(traits.name)}};
    tokens_[index] = &metrics.Counter(
        "normd_tokens_total", "Rows without padding that were normalized or compared.", labels);
    rejected_values_[index] = &metrics.Counter(
        "normd_rejected_values_total",
        "NaN and infinities that were refused, or kept out of statistics.", labels);
  }
}

}  // namespace normd::server
