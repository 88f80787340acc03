// An Executor that starts threads for each call.
#ifndef NORMD_TESTS_TESTING_THREAD_EXECUTOR_H_
#define NORMD_TESTS_TESTING_THREAD_EXECUTOR_H_

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "core/kernels/executor.h"

namespace normd::testing {

class ThreadExecutor final : public Executor {
 public:
  explicit ThreadExecutor(int width) : width_(width) {}

  int width() const override { return width_; }
  void Run(int64_t count, absl::FunctionRef<void(int64_t)> task) override {
    ++runs_;
    std::atomic<int64_t> next = 0;
    const auto work = [&] {
      for (int64_t i = next++; i < count; i = next++) task(i);
    };
    std::vector<std::thread> threads;
    for (int i = 1; i < width_; ++i) threads.emplace_back(work);
    work();
    for (std::thread& thread : threads) thread.join();
  }
  int runs() const { return runs_; }

 private:
  const int width_;
  int runs_ = 0;
};

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_THREAD_EXECUTOR_H_
