#include "server/rpc/pool_executor.h"

#include <gtest/gtest.h>

#include <vector>

namespace normd::server {
namespace {

TEST(PoolExecutorTest, IsAsWideAsThePoolAndRunsEachTaskOnce) {
  WorkerPool pool(3);
  PoolExecutor executor(pool);
  EXPECT_EQ(executor.width(), 3);
  std::vector<int> runs(100);
  executor.Run(100, [&](int64_t i) { ++runs[i]; });
  EXPECT_EQ(runs, std::vector<int>(100, 1));
}

}  // namespace
}  // namespace normd::server
