// The way of every unary call: the method, its status, what is counted and logged of it.
#ifndef NORMD_SERVER_RPC_UNARY_RPC_H_
#define NORMD_SERVER_RPC_UNARY_RPC_H_

#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "server/async/unary_call.h"
#include "server/observability/call_record.h"
#include "server/rpc/deadline.h"
#include "server/rpc/session_name.h"
#include "server/rpc/status_mapping.h"

namespace normd::server {

// The session that a request names, whatever that be; empty where it names none.
template <typename Request>
absl::string_view SessionNamedBy(const Request& request) {
  if constexpr (requires { request.session().name(); }) {
    return request.session().name();
  } else if constexpr (requires { absl::string_view(request.session()); }) {
    return request.session();
  } else if constexpr (requires { request.name(); }) {
    return request.name();
  } else {
    return "";
  }
}

// Accepts calls of one method until the server shuts down, as ServeUnary does, and answers them by
// `method`.
template <typename Request, typename Response, typename Service, typename RequestMethod>
void ServeUnaryRpc(EventLoop& loop, Service& service, ByteBudget& budget,
                   RequestMethod request_method, RpcMetrics rpc,
                   std::function<absl::Status(const Request&, Response*)> method,
                   LongRequests<Request> long_requests = {}) {
  ServeUnary<Service, Request, Response>(
      loop, service, budget, request_method,
      {[rpc = std::move(rpc), method = std::move(method)](
           grpc::ServerContext& context, const Request& request, Response* response) {
         CallRecord record(rpc, context);
         record.CountReceived();
         const absl::string_view session = SessionNamedBy(request);
         if (CheckSessionName("", session).ok()) record.SetSession(session);
         absl::Status status = Deadline(context).Check();
         if (status.ok()) {
           status = CatchInternal(record.trace(), [&] { return method(request, response); });
         }
         if (status.ok()) {
           record.CountSent();
         } else {
           AddRetryPushback(status, context);
         }
         grpc::Status result = ToGrpcStatus(status);
         record.End(result, ReasonOf(status));
         return result;
       },
       std::move(long_requests)});
}

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_UNARY_RPC_H_
