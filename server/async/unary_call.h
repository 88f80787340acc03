// Unary calls on an event loop.
#ifndef NORMD_SERVER_ASYNC_UNARY_CALL_H_
#define NORMD_SERVER_ASYNC_UNARY_CALL_H_

#include <functional>
#include <memory>
#include <utility>

#include "grpcpp/server_context.h"
#include "grpcpp/support/async_unary_call.h"
#include "server/async/event_loop.h"
#include "server/async/task.h"

namespace normd::server {

// Computes the answer to one request on the loop's thread; must not block.
template <typename Request, typename Response>
using UnaryHandler = std::function<grpc::Status(const Request&, Response*)>;

template <typename Request, typename Response>
struct UnaryCall {
  explicit UnaryCall(EventLoop& loop) : work(loop) {}

  Work work;
  grpc::ServerContext context;
  Request request;
  grpc::ServerAsyncResponseWriter<Response> writer{&context};
};

template <typename Request, typename Response>
Task AnswerUnary(std::unique_ptr<UnaryCall<Request, Response>> call,
                 const UnaryHandler<Request, Response>& handler) {
  Response response;
  const grpc::Status status = handler(call->request, &response);
  if (status.ok()) {
    co_await Operation([&](void* tag) { call->writer.Finish(response, status, tag); });
  } else {
    co_await Operation([&](void* tag) { call->writer.FinishWithError(status, tag); });
  }
}

// Accepts calls of one method until the server shuts down. `request_method` is the generated
// AsyncService's Request<Method>; `service` and `loop` must outlive the loop's thread.
template <typename Service, typename Request, typename Response>
Task ServeUnary(EventLoop& loop, Service& service,
                void (Service::*request_method)(grpc::ServerContext*, Request*,
                                                grpc::ServerAsyncResponseWriter<Response>*,
                                                grpc::CompletionQueue*,
                                                grpc::ServerCompletionQueue*, void*),
                UnaryHandler<Request, Response> handler) {
  for (;;) {
    auto call = std::make_unique<UnaryCall<Request, Response>>(loop);
    const bool started = co_await Operation([&](void* tag) {
      (service.*request_method)(&call->context, &call->request, &call->writer, loop.queue(),
                                loop.queue(), tag);
    });
    if (!started) co_return;
    AnswerUnary<Request, Response>(std::move(call), handler);
  }
}

}  // namespace normd::server

#endif  // NORMD_SERVER_ASYNC_UNARY_CALL_H_
