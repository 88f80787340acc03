// Sleeping on an event loop.
#ifndef NORMD_SERVER_ASYNC_TIMER_H_
#define NORMD_SERVER_ASYNC_TIMER_H_

#include <chrono>
#include <coroutine>

#include "grpcpp/alarm.h"
#include "server/async/event_loop.h"

namespace normd::server {

// `co_await Sleep(loop, d)`: true after `d`, false as soon as the server drains.
class Sleep final : public Completion, public Stoppable {
 public:
  Sleep(EventLoop& loop, std::chrono::system_clock::duration duration)
      : loop_(loop), duration_(duration) {}

  bool await_ready() const { return loop_.stopping(); }
  void await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    loop_.Add(this);
    alarm_.Set(loop_.queue(), std::chrono::system_clock::now() + duration_, AsTag());
  }
  bool await_resume() const { return !loop_.stopping(); }

  void Complete(bool /*ok*/) override {
    loop_.Remove(this);
    waiter_.resume();  // may destroy this
  }
  void Stop() override { alarm_.Cancel(); }

 private:
  EventLoop& loop_;
  const Work work_{loop_};
  std::chrono::system_clock::duration duration_;
  grpc::Alarm alarm_;
  std::coroutine_handle<> waiter_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_ASYNC_TIMER_H_
