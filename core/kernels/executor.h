// Threads for what is computed in parts. Core starts none: whoever calls it brings them.
#ifndef NORMD_CORE_KERNELS_EXECUTOR_H_
#define NORMD_CORE_KERNELS_EXECUTOR_H_

#include <cstdint>

#include "absl/functional/function_ref.h"

namespace normd {

// Which thread runs a task, when, and beside which others must not change what is computed: tasks
// write to places of their own, and what they found is combined afterwards, in a fixed order.
//
// Thread-safe. A task may call Run, of this executor too. It must not throw, which may end the
// process, nor wait for another task: there may be but one thread.
class Executor {
 public:
  virtual ~Executor() = default;

  // How many threads may work at once, this one among them; at least 1.
  virtual int width() const = 0;

  // Runs task(0) .. task(count - 1), each once, in any order and perhaps at once; returns when all
  // have run. What was written before the call is seen by the tasks, and what they wrote after it.
  virtual void Run(int64_t count, absl::FunctionRef<void(int64_t)> task) = 0;
};

// Runs them in order, on the thread that calls.
Executor& SerialExecutor();

}  // namespace normd

#endif  // NORMD_CORE_KERNELS_EXECUTOR_H_
