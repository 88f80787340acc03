// The worker pool's threads, as core takes them.
#ifndef NORMD_SERVER_RPC_POOL_EXECUTOR_H_
#define NORMD_SERVER_RPC_POOL_EXECUTOR_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "core/kernels/executor.h"
#include "server/async/worker_pool.h"

namespace normd::server {

// For what runs on the pool. On a loop's thread it would make all that is there wait for a helper's
// task: SerialExecutor is for that.
class PoolExecutor final : public Executor {
 public:
  // `pool` must outlive it.
  explicit PoolExecutor(WorkerPool& pool) : pool_(pool) {}

  int width() const override { return pool_.size(); }

  void Run(int64_t count, absl::FunctionRef<void(int64_t)> task) override {
    pool_.RunTogether(count, task);
  }

 private:
  WorkerPool& pool_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_RPC_POOL_EXECUTOR_H_
