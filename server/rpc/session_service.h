// normd.v1.SessionService on event loops.
#ifndef NORMD_SERVER_RPC_SESSION_SERVICE_H_
#define NORMD_SERVER_RPC_SESSION_SERVICE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/session/session_store.h"
#include "normd/v1/session.grpc.pb.h"
#include "server/async/event_loop.h"
#include "server/observability/metrics.h"
#include "server/rpc/admission.h"

namespace normd::server {

class SessionService {
 public:
  struct Options {
    absl::Duration default_idle_timeout = absl::Hours(1);  // infinite: never
    int64_t max_channels = 1 << 20;                        // of one session
  };

  // `store`, `admission` and `metrics` must outlive the service.
  SessionService(SessionStore& store, Admission& admission, const Options& options,
                 Metrics& metrics)
      : store_(store), admission_(admission), options_(options), metrics_(metrics) {}

  grpc::Service* grpc_service() { return &service_; }

  // Accepts calls on `loop` until the server shuts down. Before the loop starts.
  void Serve(EventLoop& loop);

  // The methods without the wire.
  absl::Status Create(const v1::CreateSessionRequest& request, v1::CreateSessionResponse* response);
  absl::Status Get(const v1::GetSessionRequest& request, v1::GetSessionResponse* response);
  absl::Status List(const v1::ListSessionsRequest& request, v1::ListSessionsResponse* response);
  absl::Status Update(const v1::UpdateSessionRequest& request, v1::UpdateSessionResponse* response);
  absl::Status Reset(const v1::ResetSessionRequest& request, v1::ResetSessionResponse* response);
  absl::Status Delete(const v1::DeleteSessionRequest& request, v1::DeleteSessionResponse* response);

 private:
  v1::SessionService::AsyncService service_;
  SessionStore& store_;
  Admission& admission_;
  const Options options_;
  Metrics& metrics_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_SESSION_SERVICE_H_
