// The standard grpc.health.v1.Health on our event loops. (gRPC's own is a callback service, which
// would cost every other stream of the process its speed.)
#ifndef NORMD_SERVER_RPC_HEALTH_SERVICE_H_
#define NORMD_SERVER_RPC_HEALTH_SERVICE_H_

#include <atomic>
#include <memory>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "server/async/event_loop.h"
#include "server/async/watch_call.h"

namespace normd::server {

// Everything known is SERVING until the drain and NOT_SERVING from then on.
class HealthService {
 public:
  // Knows `services` besides "", the server as a whole.
  explicit HealthService(absl::flat_hash_set<std::string> services);

  grpc::Service* grpc_service() { return &service_; }

  // Accepts calls on `loop` until the server shuts down. Before the loop starts.
  void Serve(EventLoop& loop);

  // From any thread, before the loops are stopped: those then tell the watchers.
  void SetNotServing() { serving_ = false; }

 private:
  using Call =
      WatchCall<grpc::health::v1::HealthCheckRequest, grpc::health::v1::HealthCheckResponse>;

  grpc::health::v1::HealthCheckResponse::ServingStatus StatusOf(const std::string& service) const;
  Task Watch(std::unique_ptr<Call> call);

  grpc::health::v1::Health::AsyncService service_;
  const absl::flat_hash_set<std::string> services_;
  std::atomic<bool> serving_ = true;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_HEALTH_SERVICE_H_
