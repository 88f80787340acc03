// Detached coroutines, and the awaiter of one completion-queue operation.
#ifndef NORMD_SERVER_ASYNC_TASK_H_
#define NORMD_SERVER_ASYNC_TASK_H_

#include <coroutine>
#include <exception>
#include <utility>

#include "server/async/event_loop.h"

namespace normd::server {

// The return type of a detached coroutine: it starts at once, runs on its loop's thread, and its
// frame dies when it returns. An exception that escapes ends the process.
struct Task {
  struct promise_type {
    Task get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

// Awaits one operation: `start` gives the tag to gRPC, and the result is the operation's `ok`. The
// awaiter's own address is the tag, so nothing is allocated.
template <typename Start>
class Operation final : public Completion {
 public:
  explicit Operation(Start start) : start_(std::move(start)) {}

  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    start_(AsTag());
  }
  bool await_resume() const { return ok_; }

  void Complete(bool ok) override {
    ok_ = ok;
    waiter_.resume();  // may destroy this
  }

 private:
  Start start_;
  std::coroutine_handle<> waiter_;
  bool ok_ = false;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_ASYNC_TASK_H_
