// What every Prometheus client library tells of its process (process_*), from Linux' /proc, and
// which build it is.
#ifndef NORMD_SERVER_OBSERVABILITY_PROCESS_METRICS_H_
#define NORMD_SERVER_OBSERVABILITY_PROCESS_METRICS_H_

#include "server/observability/metrics.h"

namespace normd::server {

void AddProcessMetrics(Metrics& metrics);

// normd_build_info: 1, with the versions as labels.
void AddBuildInfo(Metrics& metrics);

}  // namespace normd::server

#endif  // NORMD_SERVER_OBSERVABILITY_PROCESS_METRICS_H_
