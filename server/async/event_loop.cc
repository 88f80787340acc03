#include "server/async/event_loop.h"

#include <utility>
#include <vector>

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

class PostedTask final : public Completion {
 public:
  explicit PostedTask(std::function<void()> task) : task_(std::move(task)) {}

  void Schedule(grpc::CompletionQueue* queue) {
    alarm_.Set(queue, gpr_now(GPR_CLOCK_MONOTONIC), AsTag());
  }

  void Complete(bool /*ok*/) override {
    task_();
    delete this;
  }

 private:
  std::function<void()> task_;
  grpc::Alarm alarm_;
};

}  // namespace

void* Completion::AsTag() {
  AnnotateRelease(this);
  return this;
}

EventLoop::EventLoop(std::unique_ptr<grpc::ServerCompletionQueue> queue)
    : queue_(std::move(queue)) {}

EventLoop::~EventLoop() { Shutdown(); }

void EventLoop::Start() {
  thread_ = std::thread([this] { Run(); });
}

void EventLoop::Post(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  if (shut_down_) return;
  (new PostedTask(std::move(task)))->Schedule(queue_.get());
}

void EventLoop::StopAll() {
  Post([this] {
    stopping_ = true;
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
