// What the server's work is counted by: tokens, and values that it refuses.
#ifndef NORMD_SERVER_OBSERVABILITY_NORMALIZATION_METRICS_H_
#define NORMD_SERVER_OBSERVABILITY_NORMALIZATION_METRICS_H_

#include <cstdint>
#include <vector>

#include "core/method/method.h"
#include "prometheus/counter.h"
#include "server/observability/metrics.h"
#include "server/observability/rpc_metrics.h"

namespace normd::server {

// Thread-safe.
class NormalizationMetrics {
 public:
  // `metrics` must outlive it.
  explicit NormalizationMetrics(Metrics& metrics);

  // Rows without padding that a method normalized, or was compared on.
  void CountTokens(Method method, int64_t rows) const { Count(tokens_, method, rows); }

  // NaN and infinities that were refused, or kept out of statistics.
  void CountRejectedValues(Method method, int64_t values) const {
    Count(rejected_values_, method, values);
  }

  const RefusalMetrics& refusals() const { return refusals_; }

 private:
  using ByMethod = std::vector<prometheus::Counter*>;  // by Method's number

  static void Count(const ByMethod& counters, Method method, int64_t count) {
    counters[static_cast<size_t>(method)]->Increment(static_cast<double>(count));
  }

  ByMethod tokens_;
  ByMethod rejected_values_;
  RefusalMetrics refusals_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_OBSERVABILITY_NORMALIZATION_METRICS_H_
