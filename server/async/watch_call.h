// Server-streaming calls that stay open until the client leaves or the server ends.
#ifndef NORMD_SERVER_ASYNC_WATCH_CALL_H_
#define NORMD_SERVER_ASYNC_WATCH_CALL_H_

#include <coroutine>
#include <functional>
#include <memory>
#include <utility>

#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "server/async/event_loop.h"
#include "server/async/task.h"

namespace normd::server {

// One call. Belongs to the coroutine that serves it, which must await Finish last of all.
template <typename Request, typename Response>
class WatchCall final : public Stoppable {
 public:
  explicit WatchCall(EventLoop& loop) : loop_(loop) { context_.AsyncNotifyWhenDone(done_.AsTag()); }
  ~WatchCall() override { loop_.Remove(this); }

  grpc::ServerContext* context() { return &context_; }
  grpc::ServerAsyncWriter<Response>* writer() { return &writer_; }
  Request* request() { return &request_; }

  // Once the call has started. Only then does the done notification come.
  void Begin() {
    stopping_ = loop_.stopping();
    loop_.Add(this);
  }

  auto Write(const Response& response) {
    return Operation([this, &response](void* tag) { writer_.Write(response, tag); });
  }

  // Waits until Wake or Stop (true), or until the client has left (false).
  auto UntilWoken() { return WakeAwaiter{*this}; }

  bool stopping() const { return stopping_; }

  // Ends the call and waits for its done notification.
  auto Finish(const grpc::Status& status) { return FinishAwaiter{*this, status}; }

  // Resumes the coroutine where it waits in UntilWoken. On the loop's thread.
  void Wake() {
    if (watcher_) std::exchange(watcher_, nullptr).resume();
  }

  void Stop() override {
    stopping_ = true;
    Wake();
  }

 private:
  struct WakeAwaiter {
    WatchCall& call;
    bool await_ready() const { return call.stopping_ || call.is_done_; }
    void await_suspend(std::coroutine_handle<> waiter) { call.watcher_ = waiter; }
    bool await_resume() const { return !call.is_done_; }
  };

  struct FinishAwaiter {
    WatchCall& call;
    const grpc::Status& status;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
      call.finisher_ = waiter;
      call.finish_pending_ = true;
      call.writer_.Finish(status, call.finish_.AsTag());
    }
    void await_resume() const {}
  };

  struct DoneCompletion final : Completion {
    explicit DoneCompletion(WatchCall& call) : call(call) {}
    void Complete(bool /*ok*/) override {
      call.is_done_ = true;
      if (call.watcher_) {
        std::exchange(call.watcher_, nullptr).resume();
      } else {
        call.ResumeFinished();
      }
    }
    WatchCall& call;
  };

  struct FinishCompletion final : Completion {
    explicit FinishCompletion(WatchCall& call) : call(call) {}
    void Complete(bool /*ok*/) override {
      call.finish_pending_ = false;
      call.ResumeFinished();
    }
    WatchCall& call;
  };

  void ResumeFinished() {
    if (finisher_ && is_done_ && !finish_pending_) std::exchange(finisher_, nullptr).resume();
  }

  EventLoop& loop_;
  const Work work_{loop_};
  grpc::ServerContext context_;
  grpc::ServerAsyncWriter<Response> writer_{&context_};
  Request request_;
  DoneCompletion done_{*this};
  FinishCompletion finish_{*this};
  std::coroutine_handle<> watcher_;
  std::coroutine_handle<> finisher_;
  bool is_done_ = false;
  bool finish_pending_ = false;
  bool stopping_ = false;
};

template <typename Request, typename Response>
using WatchHandler = std::function<Task(std::unique_ptr<WatchCall<Request, Response>>)>;

// Accepts calls of one method until the server shuts down; each is served by `handler`, a
// coroutine.
template <typename Service, typename Request, typename Response>
Task ServeWatch(EventLoop& loop, Service& service,
                void (Service::*request_method)(grpc::ServerContext*, Request*,
                                                grpc::ServerAsyncWriter<Response>*,
                                                grpc::CompletionQueue*,
                                                grpc::ServerCompletionQueue*, void*),
                WatchHandler<Request, Response> handler) {
  for (;;) {
    auto call = std::make_unique<WatchCall<Request, Response>>(loop);
    const bool started = co_await Operation([&](void* tag) {
      (service.*request_method)(call->context(), call->request(), call->writer(), loop.queue(),
                                loop.queue(), tag);
    });
    if (!started) co_return;
    call->Begin();
    handler(std::move(call));
  }
}

}  // namespace normd::server

#endif  // NORMD_SERVER_ASYNC_WATCH_CALL_H_
