// normd.v1.NormalizationService on event loops.
#ifndef NORMD_SERVER_RPC_NORMALIZATION_SERVICE_H_
#define NORMD_SERVER_RPC_NORMALIZATION_SERVICE_H_

#include "core/session/session_store.h"
#include "normd/v1/normalization.grpc.pb.h"
#include "server/async/event_loop.h"
#include "server/async/stream_call.h"
#include "server/rpc/message_limits.h"
#include "server/rpc/stream_loop.h"

namespace normd::server {

class NormalizationService {
 public:
  // `store` and `streams` must outlive the service.
  NormalizationService(SessionStore& store, OpenStreams& streams, const MessageLimits& limits)
      : store_(store), streams_(streams), limits_(limits) {}

  grpc::Service* grpc_service() { return &service_; }

  // Accepts calls on `loop` until the server shuts down. Before the loop starts.
  void Serve(EventLoop& loop);

 private:
  using Call = StreamCall<v1::NormalizeStreamRequest, v1::NormalizeStreamResponse>;

  absl::Status Normalize(const v1::NormalizeRequest& request, v1::NormalizeResponse* response);

  using Service = v1::NormalizationService::WithRawMethod_NormalizeStream<
      v1::NormalizationService::WithAsyncMethod_ListMethods<
          v1::NormalizationService::WithAsyncMethod_Normalize<v1::NormalizationService::Service>>>;

  Service service_;
  SessionStore& store_;
  OpenStreams& streams_;
  const MessageLimits limits_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_NORMALIZATION_SERVICE_H_
