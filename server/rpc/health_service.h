// The standard grpc.health.v1.Health on our event loops. (gRPC's own is a callback service, which
// would cost every other stream of the process its speed.)
#ifndef NORMD_SERVER_RPC_HEALTH_SERVICE_H_
#define NORMD_SERVER_RPC_HEALTH_SERVICE_H_

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "server/async/event_loop.h"
#include "server/async/watch_call.h"
#include "server/observability/rpc_metrics.h"
#include "server/rpc/admission.h"

namespace normd::server {

// Everything known is SERVING until SetNotServing and NOT_SERVING from then on.
class HealthService {
 public:
  // Knows `services` besides "", the server as a whole. `admission` and `metrics` must outlive the
  // service.
  HealthService(Admission& admission, absl::flat_hash_set<std::string> services, Metrics& metrics);

  grpc::Service* grpc_service() { return &service_; }

  // Accepts calls on `loop` until the server shuts down. Before the loop starts.
  void Serve(EventLoop& loop);

  // Tells the watchers too. From any thread.
  void SetNotServing();

 private:
  using Call =
      WatchCall<grpc::health::v1::HealthCheckRequest, grpc::health::v1::HealthCheckResponse>;

  grpc::health::v1::HealthCheckResponse::ServingStatus StatusOf(const std::string& service) const;
  // The watches of one loop, its thread's only.
  struct Watches {
    EventLoop& loop;
    absl::flat_hash_set<Call*> calls;
  };

  Task Watch(std::unique_ptr<Call> call, Watches& watches);

  grpc::health::v1::Health::AsyncService service_;
  Admission& admission_;
  // Answers under any load.
  ByteBudget unlimited_{std::numeric_limits<int64_t>::max()};
  const absl::flat_hash_set<std::string> services_;
  const RpcMetrics check_;
  const RpcMetrics watch_;
  std::atomic<bool> serving_ = true;
  std::vector<std::unique_ptr<Watches>> watches_;  // one a loop
};

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_HEALTH_SERVICE_H_
