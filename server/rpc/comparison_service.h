// normd.v1.ComparisonService on event loops.
#ifndef NORMD_SERVER_RPC_COMPARISON_SERVICE_H_
#define NORMD_SERVER_RPC_COMPARISON_SERVICE_H_

#include "normd/v1/comparison.grpc.pb.h"
#include "server/async/event_loop.h"
#include "server/observability/normalization_metrics.h"
#include "server/observability/rpc_metrics.h"
#include "server/rpc/message_limits.h"
#include "server/rpc/stream_loop.h"

namespace normd::server {

class ComparisonService {
 public:
  // `admission` and `metrics` must outlive the service.
  ComparisonService(Admission& admission, const MessageLimits& limits, Metrics& metrics)
      : admission_(admission),
        limits_(limits),
        metrics_(metrics),
        compare_(metrics, RpcType::kBidiStream, v1::ComparisonService::service_full_name(),
                 "Compare") {}

  grpc::Service* grpc_service() { return &service_; }

  // Accepts calls on `loop` until the server shuts down. Before the loop starts.
  void Serve(EventLoop& loop);

 private:
  using Service = v1::ComparisonService::WithRawMethod_Compare<v1::ComparisonService::Service>;

  Service service_;
  Admission& admission_;
  const MessageLimits limits_;
  const NormalizationMetrics metrics_;
  const RpcMetrics compare_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_COMPARISON_SERVICE_H_
