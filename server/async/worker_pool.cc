#include "server/async/worker_pool.h"

#include "server/async/processors.h"

namespace normd::server {

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

void WorkerPool::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return !ready_.empty() || stopping_; });
    if (ready_.empty()) return;
    Job& job = ready_.Pop();
    const void* const turn = job.turn_;
    waiting_.fetch_sub(1, std::memory_order_relaxed);
    lock.unlock();
    job.Run();
    lock.lock();
    if (turn != nullptr) EndTurnLocked(turn);
  }
}

}  // namespace normd::server
