#include "server/async/worker_pool.h"

#include <algorithm>

#include "server/async/processors.h"

namespace normd::server {

// On the stack of the thread that runs them, whose helpers come and go under the pool's mutex:
// after it has taken them off `shared_`, nobody comes any more.
struct WorkerPool::Tasks {
  Tasks(int64_t count, absl::FunctionRef<void(int64_t)> task) : count(count), task(task) {}

  // Runs the next; false where there is none.
  bool RunOne() noexcept {
    const int64_t i = next.fetch_add(1, std::memory_order_relaxed);
    if (i >= count) return false;
    task(i);
    return true;
  }

  const int64_t count;
  const absl::FunctionRef<void(int64_t)> task;
  std::atomic<int64_t> next = 0;
  int helpers = 0;  // guarded by the pool's mutex
  std::condition_variable left;
};

WorkerPool::WorkerPool(int threads) {
  if (threads == 0) threads = AvailableProcessors();
  threads_.reserve(threads);
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { Work(); });
  }
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::Submit(Job& job) {
  submitted_.fetch_add(1, std::memory_order_relaxed);
  waiting_.fetch_add(1, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    if (job.turn_ != nullptr) {
      const auto [turn, is_free] = turns_.try_emplace(job.turn_);
      // No thread need be woken: the one that has the turn goes on to what is ready.
      if (!is_free) return turn->second.Push(job);
    }
    ready_.Push(job);
  }
  changed_.notify_one();
}

void WorkerPool::EndTurnLocked(const void* turn) {
  const auto waiting = turns_.find(turn);
  if (waiting->second.empty()) {
    turns_.erase(waiting);
  } else {
    ready_.Push(waiting->second.Pop());
  }
}

void WorkerPool::RunTogether(int64_t count, absl::FunctionRef<void(int64_t)> task) noexcept {
  Tasks tasks(count, task);
  const auto helpers = static_cast<int>(std::min<int64_t>(size(), count) - 1);
  if (helpers > 0) {
    {
      const std::lock_guard lock(mutex_);
      shared_.push_back(&tasks);
    }
    for (int i = 0; i < helpers; ++i) changed_.notify_one();
  }
  while (tasks.RunOne()) {
  }
  if (helpers <= 0) return;
  Lock lock(mutex_);
  std::erase(shared_, &tasks);
  tasks.left.wait(lock, [&] { return tasks.helpers == 0; });
}

void WorkerPool::Help(Lock& lock) {
  Tasks& tasks = *shared_.front();
  ++tasks.helpers;
  lock.unlock();
  // Jobs that wait for their turn are counted too, and need no thread: then it is to come back.
  bool more = tasks.RunOne();
  while (more && waiting() == 0) more = tasks.RunOne();
  lock.lock();
  if (!more) std::erase(shared_, &tasks);
  // With the lock: without it, they may be gone.
  if (--tasks.helpers == 0) tasks.left.notify_one();
}

void WorkerPool::RunJob(Lock& lock) {
  Job& job = ready_.Pop();
  const void* const turn = job.turn_;
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  lock.unlock();
  job.Run();
  lock.lock();
  if (turn != nullptr) EndTurnLocked(turn);
}

void WorkerPool::Work() {
  Lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return !ready_.empty() || !shared_.empty() || stopping_; });
    if (!ready_.empty()) {
      RunJob(lock);
    } else if (!shared_.empty()) {
      Help(lock);
    } else {
      return;
    }
  }
}

}  // namespace normd::server
