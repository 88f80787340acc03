// One gRPC completion queue and the one thread that serves it.
//
// Every call lives on one loop: its coroutine is resumed only on that loop's thread, so that calls
// need no locks. What comes from elsewhere (a drain, a timer) returns to the thread by Post.
#ifndef NORMD_SERVER_ASYNC_EVENT_LOOP_H_
#define NORMD_SERVER_ASYNC_EVENT_LOOP_H_

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <vector>

#include "grpcpp/completion_queue.h"

namespace normd::server {

// What a completion queue's tag points to.
class Completion {
 public:
  virtual ~Completion() = default;

  // The operation has ended; `ok` as gRPC defines it for that operation. Called on the loop's
  // thread. May delete this.
  virtual void Complete(bool ok) = 0;

  // The tag to give to gRPC; tells ThreadSanitizer that what was written before is handed over.
  void* AsTag();
};

// Something that lives on a loop and ends when the server drains.
class Stoppable {
 public:
  virtual ~Stoppable() = default;

  // The server drains: come to an end soon. Called once, on the loop's thread. May delete this.
  virtual void Stop() = 0;

  // Cancels what has waited for its client through `ticks` calls of this. On the loop's thread.
  virtual void CancelIfStalled(int /*ticks*/) {}
};

class EventLoop {
 public:
  explicit EventLoop(std::unique_ptr<grpc::ServerCompletionQueue> queue);
  ~EventLoop();

  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  grpc::ServerCompletionQueue* queue() { return queue_.get(); }

  // Starts the thread.
  void Start();

  // How long the thread has run, or waited for a processor, so far: whatever else was going on, it
  // was not idle then. Zero where the kernel does not tell. From any thread, after Start.
  std::chrono::nanoseconds BusyTime() const;

  // Runs `task` on the loop's thread, after those that were posted before it. From any thread.
  // Does nothing after Shutdown.
  void Post(std::function<void()> task);

  // Stops everything that was or will be added. From any thread.
  void StopAll();

  // Stops everything, and ends the thread when no Work is left. Server::Shutdown must have
  // returned, so that no call can wait for its client any more.
  void Shutdown();

  // On the loop's thread only.
  bool stopping() const { return stopping_; }
  void Add(Stoppable* stoppable) { stoppables_.insert(stoppable); }
  void Remove(Stoppable* stoppable) { stoppables_.erase(stoppable); }
  void CancelStalled(int ticks) {
    for (Stoppable* stoppable : stoppables_) stoppable->CancelIfStalled(ticks);
  }

 private:
  friend class Work;

  class WakeUp;

  void Run();
  void RunTasks();
  void CloseIfIdle();

  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::thread thread_;
  std::atomic<int> thread_id_ = 0;
  std::mutex mutex_;  // guards what follows; no alarm may be set once the queue is shut down
  bool shut_down_ = false;
  std::vector<std::function<void()>> tasks_;
  // The rest is the loop's thread's only.
  bool stopping_ = false;
  bool closing_ = false;
  int work_ = 0;
  std::unordered_set<Stoppable*> stoppables_;
};

// Keeps the loop's queue open: gRPC aborts the process where an operation begins on a queue that
// was shut down, and a cancelled call has operations to begin after Server::Shutdown has returned.
// Held by whatever may begin one. Made and destroyed on the loop's thread, or before it starts.
class Work {
 public:
  explicit Work(EventLoop& loop) : loop_(loop) { ++loop_.work_; }
  ~Work() {
    --loop_.work_;
    loop_.CloseIfIdle();
  }

  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

 private:
  EventLoop& loop_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_ASYNC_EVENT_LOOP_H_
