#include "server/async/event_loop.h"

#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <string>
#include <utility>

#include "grpcpp/alarm.h"

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

namespace normd::server {
namespace {

// gRPC is not instrumented: ThreadSanitizer cannot see that a tag's way through the queue orders
// what happened before against what happens after.
void AnnotateRelease([[maybe_unused]] void* tag) {
#if defined(__SANITIZE_THREAD__)
  __tsan_release(tag);
#endif
}

void AnnotateAcquire([[maybe_unused]] void* tag) {
#if defined(__SANITIZE_THREAD__)
  __tsan_acquire(tag);
#endif
}

}  // namespace

void* Completion::AsTag() {
  AnnotateRelease(this);
  return this;
}

// Brings the loop's thread to its tasks.
class EventLoop::WakeUp final : public Completion {
 public:
  explicit WakeUp(EventLoop& loop) : loop_(loop) {}

  // At once: an alarm that is due now takes gRPC's timers a millisecond, one long past none.
  void Schedule() { alarm_.Set(loop_.queue(), gpr_inf_past(GPR_CLOCK_MONOTONIC), AsTag()); }

  void Complete(bool /*ok*/) override {
    loop_.RunTasks();
    delete this;
  }

 private:
  EventLoop& loop_;
  grpc::Alarm alarm_;
};

EventLoop::EventLoop(std::unique_ptr<grpc::ServerCompletionQueue> queue)
    : queue_(std::move(queue)) {}

EventLoop::~EventLoop() { Shutdown(); }

void EventLoop::Start() {
  thread_ = std::thread([this] {
    thread_id_ = gettid();
    Run();
  });
}

std::chrono::nanoseconds EventLoop::BusyTime() const {
  std::ifstream in("/proc/self/task/" + std::to_string(thread_id_) + "/schedstat");
  int64_t running = 0;
  int64_t waiting = 0;
  in >> running >> waiting;
  return std::chrono::nanoseconds(running + waiting);
}

void EventLoop::Post(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  if (shut_down_) return;
  tasks_.push_back(std::move(task));
  if (tasks_.size() == 1) (new WakeUp(*this))->Schedule();
}

void EventLoop::RunTasks() {
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (const auto& task : tasks) task();
}

void EventLoop::StopAll() {
  Post([this] {
    if (std::exchange(stopping_, true)) return;
    // A Stop may end and remove others: each is looked up again.
    const std::vector<Stoppable*> all(stoppables_.begin(), stoppables_.end());
    for (Stoppable* stoppable : all) {
      if (stoppables_.contains(stoppable)) stoppable->Stop();
    }
  });
}

void EventLoop::Shutdown() {
  {
    const std::lock_guard lock(mutex_);
    if (shut_down_) return;
  }
  StopAll();
  Post([this] {
    closing_ = true;
    CloseIfIdle();
  });
  if (thread_.joinable()) {
    thread_.join();
  } else {
    Run();  // never started
  }
}

void EventLoop::CloseIfIdle() {
  if (!closing_ || work_ > 0) return;
  const std::lock_guard lock(mutex_);
  if (shut_down_) return;
  shut_down_ = true;
  queue_->Shutdown();
}

void EventLoop::Run() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) {
    AnnotateAcquire(tag);
    static_cast<Completion*>(tag)->Complete(ok);
  }
}

}  // namespace normd::server
