// normd.v1.NormalizationService on event loops.
#ifndef NORMD_SERVER_RPC_NORMALIZATION_SERVICE_H_
#define NORMD_SERVER_RPC_NORMALIZATION_SERVICE_H_

#include "core/session/session_store.h"
#include "normd/v1/normalization.grpc.pb.h"
#include "server/async/event_loop.h"
#include "server/async/stream_call.h"
#include "server/observability/normalization_metrics.h"
#include "server/observability/rpc_metrics.h"
#include "server/rpc/message_limits.h"
#include "server/rpc/stream_loop.h"

namespace normd::server {

class NormalizationService {
 public:
  // `store`, `admission` and `metrics` must outlive the service.
  NormalizationService(SessionStore& store, Admission& admission, const MessageLimits& limits,
                       Metrics& metrics);

  grpc::Service* grpc_service() { return &service_; }

  // Accepts calls on `loop` until the server shuts down. Before the loop starts.
  void Serve(EventLoop& loop);

 private:
  absl::Status Normalize(const v1::NormalizeRequest& request, v1::NormalizeResponse* response);
  // Whether it may take long, or must wait for a session's long update.
  bool IsLong(const v1::NormalizeRequest& request) const;
  // The session that such requests update one at a time; null: none.
  const void* TurnOf(const v1::NormalizeRequest& request) const;

  using Service = v1::NormalizationService::WithRawMethod_NormalizeStream<
      v1::NormalizationService::WithAsyncMethod_ListMethods<
          v1::NormalizationService::WithAsyncMethod_Normalize<v1::NormalizationService::Service>>>;

  Service service_;
  SessionStore& store_;
  Admission& admission_;
  const MessageLimits limits_;
  const NormalizationMetrics metrics_;
  const RpcMetrics normalize_stream_;
  const RpcMetrics list_methods_;
  const RpcMetrics normalize_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_NORMALIZATION_SERVICE_H_
