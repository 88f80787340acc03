// Threads for what would hold an event loop's thread up, and the way there and back.
#ifndef NORMD_SERVER_ASYNC_WORKER_POOL_H_
#define NORMD_SERVER_ASYNC_WORKER_POOL_H_

#include <atomic>
#include <condition_variable>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "grpcpp/alarm.h"
#include "server/async/event_loop.h"

namespace normd::server {

// A fixed number of threads that take jobs in the order in which they are ready. Those of one turn
// run one at a time, and are ready one after the other: whoever waits for its turn holds no thread,
// and goes behind all that are ready when it gets it. So a turn that many wait for keeps no other
// waiting, and has one place among them, as each job without a turn has.
//
// Threads that find no job ready help those that run tasks together, and leave for a job as soon as
// the task that they are at ends: no job waits for more than that because another is shared.
//
// Thread-safe. Must outlive the loops that its jobs return to.
class WorkerPool {
 public:
  // 0: as many threads as AvailableProcessors.
  explicit WorkerPool(int threads);
  // Runs what was submitted, and joins the threads.
  ~WorkerPool();

  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Belongs to whoever submits it, who keeps it until Run.
  class Job {
   public:
    // `turn` is only compared; null: none.
    explicit Job(const void* turn) : turn_(turn) {}

   protected:
    ~Job() = default;

   private:
    friend class WorkerPool;

    // On a thread of the pool, once. Must not throw. May end the job's life.
    virtual void Run() = 0;

    const void* const turn_;
    Job* next_ = nullptr;
  };

  void Submit(Job& job);

  // Runs task(0) .. task(count - 1), each once, on this thread and on those of the pool that have
  // nothing better to do; returns when all have run. A thread that has not begun to help when the
  // last task is taken is not waited for: with none free, this thread runs them all. A task may do
  // the same. It must not throw: that ends the process.
  //
  // On a thread of the pool at most size() work at once, on another one more.
  void RunTogether(int64_t count, absl::FunctionRef<void(int64_t)> task) noexcept;

  int size() const { return static_cast<int>(threads_.size()); }
  // Jobs that no thread has taken yet, and all that were ever submitted.
  int64_t waiting() const { return waiting_.load(std::memory_order_relaxed); }
  int64_t submitted() const { return submitted_.load(std::memory_order_relaxed); }

 private:
  // Jobs in a row, linked through themselves.
  class Queue {
   public:
    bool empty() const { return first_ == nullptr; }
    void Push(Job& job) {
      (empty() ? first_ : last_->next_) = &job;
      last_ = &job;
    }
    Job& Pop() {
      Job& job = *first_;
      first_ = std::exchange(job.next_, nullptr);
      return job;
    }

   private:
    Job* first_ = nullptr;
    Job* last_ = nullptr;
  };

  struct Tasks;

  using Lock = std::unique_lock<std::mutex>;

  void Work();
  // What a thread does, with the lock before and after.
  void RunJob(Lock& lock);
  void Help(Lock& lock);
  // Of a job that has run.
  void EndTurnLocked(const void* turn);

  std::atomic<int64_t> waiting_ = 0;
  std::atomic<int64_t> submitted_ = 0;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool stopping_ = false;
  Queue ready_;
  // Turns whose job is ready or runs, and those that wait for it.
  absl::flat_hash_map<const void*, Queue> turns_;
  // What is run together and may have tasks that nobody has taken, the oldest first.
  std::vector<Tasks*> shared_;
  std::vector<std::thread> threads_;
};

// `co_await RunOn(pool, loop, turn, function)`: runs `function` on a thread of the pool, and goes
// on with its result on the loop's thread, where it must be awaited. What it throws is thrown
// there.
template <typename Function>
class RunOn final : public Completion, private WorkerPool::Job {
 public:
  RunOn(WorkerPool& pool, EventLoop& loop, const void* turn, Function function)
      : Job(turn), pool_(pool), loop_(loop), function_(std::move(function)) {}

  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    pool_.Submit(*this);
  }
  auto await_resume() {
    if (exception_) std::rethrow_exception(exception_);
    return *std::move(result_);
  }

  void Complete(bool /*ok*/) override { waiter_.resume(); }  // destroys this

 private:
  void Run() override {
    try {
      result_.emplace(function_());
    } catch (...) {
      exception_ = std::current_exception();
    }
    // Read before AsTag hands this over: an argument beside it may be evaluated after it.
    grpc::ServerCompletionQueue* const queue = loop_.queue();
    // At once: see EventLoop's. From here on this may be gone.
    alarm_.Set(queue, gpr_inf_past(GPR_CLOCK_MONOTONIC), AsTag());
  }

  WorkerPool& pool_;
  EventLoop& loop_;
  Function function_;
  const Work work_{loop_};
  grpc::Alarm alarm_;
  std::coroutine_handle<> waiter_;
  std::optional<std::invoke_result_t<Function&>> result_;
  std::exception_ptr exception_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_ASYNC_WORKER_POOL_H_
