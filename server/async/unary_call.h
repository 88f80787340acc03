// Unary calls on an event loop.
#ifndef NORMD_SERVER_ASYNC_UNARY_CALL_H_
#define NORMD_SERVER_ASYNC_UNARY_CALL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "grpcpp/server_context.h"
#include "grpcpp/support/async_unary_call.h"
#include "server/async/byte_budget.h"
#include "server/async/event_loop.h"
#include "server/async/task.h"
#include "server/async/worker_pool.h"

namespace normd::server {

// Computes the answer to one request, on the loop's thread where it is not a long one; must not
// block there.
template <typename Request, typename Response>
using UnaryHandler = std::function<grpc::Status(grpc::ServerContext&, const Request&, Response*)>;

// Which requests take so long that they are answered on a pool. By default none.
template <typename Request>
struct LongRequests {
  WorkerPool* workers = nullptr;
  std::function<bool(const Request&)> are_long = nullptr;
  std::function<const void*(const Request&)> turn = nullptr;  // of a long one, as of a Job
};

template <typename Request, typename Response>
struct UnaryMethod {
  UnaryHandler<Request, Response> handler;
  LongRequests<Request> long_requests;
};

template <typename Request, typename Response>
struct UnaryCall final : Stoppable {
  explicit UnaryCall(EventLoop& loop) : loop(loop), work(loop) {}
  ~UnaryCall() override { loop.Remove(this); }

  void Stop() override {}  // its end is near

  // A client that does not read its answer holds its bytes.
  void CancelIfStalled(int ticks) override {
    if (++unread_ticks > ticks) context.TryCancel();
  }

  EventLoop& loop;
  Work work;
  int unread_ticks = 0;
  grpc::ServerContext context;
  Request request;
  grpc::ServerAsyncResponseWriter<Response> writer{&context};
};

template <typename Request, typename Response>
Task AnswerUnary(std::unique_ptr<UnaryCall<Request, Response>> call, ByteBudget& budget,
                 std::shared_ptr<const UnaryMethod<Request, Response>> method) {
  ByteBudget::Charge charge(budget);
  charge.Add(static_cast<int64_t>(call->request.ByteSizeLong()));
  Response response;
  const auto answer = [&] { return method->handler(call->context, call->request, &response); };
  const LongRequests<Request>& long_requests = method->long_requests;
  grpc::Status status;
  if (long_requests.workers != nullptr && long_requests.are_long(call->request)) {
    status = co_await RunOn(*long_requests.workers, call->loop, long_requests.turn(call->request),
                            answer);
  } else {
    status = answer();
  }
  charge.Add(static_cast<int64_t>(response.ByteSizeLong()));
  call->loop.Add(call.get());
  if (status.ok()) {
    co_await Operation([&](void* tag) { call->writer.Finish(response, status, tag); });
  } else {
    co_await Operation([&](void* tag) { call->writer.FinishWithError(status, tag); });
  }
}

// Accepts calls of one method until the server shuts down, as long as `budget` has room.
// `request_method` is the generated AsyncService's Request<Method>; `service`, `budget` and `loop`
// must outlive the loop's thread.
template <typename Service, typename Request, typename Response>
Task ServeUnary(EventLoop& loop, Service& service, ByteBudget& budget,
                void (Service::*request_method)(grpc::ServerContext*, Request*,
                                                grpc::ServerAsyncResponseWriter<Response>*,
                                                grpc::CompletionQueue*,
                                                grpc::ServerCompletionQueue*, void*),
                UnaryMethod<Request, Response> method) {
  // A call may be on the pool when this has ended.
  const auto shared = std::make_shared<const UnaryMethod<Request, Response>>(std::move(method));
  for (;;) {
    // The request's size is not known yet.
    ByteBudget::Charge charge(budget);
    if (!charge.TryEnter(0)) co_await ByteBudget::Entry(charge, loop, 0);
    auto call = std::make_unique<UnaryCall<Request, Response>>(loop);
    const bool started = co_await Operation([&](void* tag) {
      (service.*request_method)(&call->context, &call->request, &call->writer, loop.queue(),
                                loop.queue(), tag);
    });
    if (!started) co_return;
    AnswerUnary<Request, Response>(std::move(call), budget, shared);
  }
}

}  // namespace normd::server

#endif  // NORMD_SERVER_ASYNC_UNARY_CALL_H_
