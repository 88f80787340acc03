// normd.v1.NormalizationService on event loops.
#ifndef NORMD_SERVER_RPC_NORMALIZATION_SERVICE_H_
#define NORMD_SERVER_RPC_NORMALIZATION_SERVICE_H_

#include <atomic>
#include <memory>

#include "core/session/session_store.h"
#include "normd/v1/normalization.grpc.pb.h"
#include "server/async/event_loop.h"
#include "server/async/stream_call.h"
#include "server/rpc/stream_session.h"

namespace normd::server {

class NormalizationService {
 public:
  struct Options {
    MessageLimits limits;
    int max_streams = 10'000;  // open at one time, in all
  };

  // `store` must outlive the service.
  NormalizationService(SessionStore& store, const Options& options)
      : store_(store), options_(options) {}

  grpc::Service* grpc_service() { return &service_; }

  // Accepts calls on `loop` until the server shuts down. Before the loop starts.
  void Serve(EventLoop& loop);

 private:
  using Call = StreamCall<v1::NormalizeStreamRequest, v1::NormalizeStreamResponse>;

  absl::Status Normalize(const v1::NormalizeRequest& request, v1::NormalizeResponse* response);
  Task NormalizeStream(std::unique_ptr<Call> call);

  using Service = v1::NormalizationService::WithRawMethod_NormalizeStream<
      v1::NormalizationService::WithAsyncMethod_ListMethods<
          v1::NormalizationService::WithAsyncMethod_Normalize<v1::NormalizationService::Service>>>;

  Service service_;
  SessionStore& store_;
  const Options options_;
  std::atomic<int> open_streams_ = 0;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_NORMALIZATION_SERVICE_H_
