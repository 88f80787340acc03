#include "core/kernels/executor.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace normd {
namespace {

TEST(SerialExecutorTest, RunsTasksInOrderOnTheCallersThread) {
  const std::thread::id caller = std::this_thread::get_id();
  std::vector<int64_t> order;
  SerialExecutor().Run(5, [&](int64_t i) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    order.push_back(i);
  });
  EXPECT_EQ(order, (std::vector<int64_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(SerialExecutor().width(), 1);
}

TEST(SerialExecutorTest, NothingIsNoTask) {
  SerialExecutor().Run(0, [](int64_t) { FAIL(); });
}

TEST(SerialExecutorTest, TasksMayRunTasks) {
  int64_t sum = 0;
  SerialExecutor().Run(
      3, [&](int64_t i) { SerialExecutor().Run(3, [&](int64_t j) { sum += 10 * i + j; }); });
  EXPECT_EQ(sum, 99);
}

}  // namespace
}  // namespace normd
