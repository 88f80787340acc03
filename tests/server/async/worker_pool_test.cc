#include "server/async/worker_pool.h"

#include <gtest/gtest.h>

#include <future>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "server/async/task.h"
#include "tests/testing/loop_fixture.h"

namespace normd::server {
namespace {

using testing::Loops;

// Runs `function` on the pool, then `then` on the loop.
template <typename Function, typename Then>
Task Await(WorkerPool& pool, EventLoop& loop, const void* turn, Function function, Then then) {
  auto result = co_await RunOn(pool, loop, turn, std::move(function));
  then(std::move(result));
}

class WorkerPoolTest : public ::testing::Test {
 protected:
  // From the loop's thread, in the order of the calls.
  template <typename Function, typename Then>
  void Submit(WorkerPool& pool, const void* turn, Function function, Then then) {
    loops_[0].Post(
        [this, &pool, turn, function, then] { Await(pool, loops_[0], turn, function, then); });
  }

  std::thread::id LoopThread() {
    std::promise<std::thread::id> id;
    loops_[0].Post([&] { id.set_value(std::this_thread::get_id()); });
    return id.get_future().get();
  }

  Loops loops_{1};
};

TEST_F(WorkerPoolTest, WorkIsDoneElsewhereAndTheLoopGoesOnWithIt) {
  WorkerPool pool(1);
  std::promise<std::pair<std::thread::id, std::thread::id>> threads;
  Submit(
      pool, nullptr, [] { return std::this_thread::get_id(); },
      [&](std::thread::id worker) {
        threads.set_value({worker, std::this_thread::get_id()});
      });
  const auto [worker, after] = threads.get_future().get();
  EXPECT_EQ(after, LoopThread());
  EXPECT_NE(worker, after);
  EXPECT_NE(worker, std::this_thread::get_id());
  EXPECT_EQ(pool.submitted(), 1);
  loops_.Shutdown();
}

TEST_F(WorkerPoolTest, TheLoopIsFreeMeanwhile) {
  WorkerPool pool(1);
  std::promise<void> release;
  std::promise<void> done;
  Submit(
      pool, nullptr,
      [&] {
        release.get_future().get();
        return 0;
      },
      [&](int) { done.set_value(); });
  LoopThread();  // is told
  release.set_value();
  done.get_future().get();
  loops_.Shutdown();
}

TEST_F(WorkerPoolTest, JobsAreTakenInOrder) {
  std::vector<int> order;  // the only worker's
  WorkerPool pool(1);
  for (int i = 0; i < 1000; ++i) {
    Submit(
        pool, nullptr,
        [&order, i] {
          order.push_back(i);
          return i;
        },
        [](int) {});
  }
  loops_.Shutdown();  // waits for them
  ASSERT_EQ(order.size(), 1000);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(pool.waiting(), 0);
}

TEST_F(WorkerPoolTest, JobsRunOnAllThreadsAtOnce) {
  WorkerPool pool(3);
  std::latch all(3);
  for (int i = 0; i < 3; ++i) {
    Submit(
        pool, nullptr,
        [&all] {
          all.arrive_and_wait();
          return 0;
        },
        [](int) {});
  }
  loops_.Shutdown();
}

TEST_F(WorkerPoolTest, JobsOfOneTurnRunOneAtATimeInOrder) {
  int order = 0;  // guarded by the turn alone
  WorkerPool pool(4);
  for (int i = 0; i < 1000; ++i) {
    Submit(
        pool, &order,
        [&order, i] {
          EXPECT_EQ(order, i);
          return ++order;
        },
        [](int) {});
  }
  loops_.Shutdown();
  EXPECT_EQ(order, 1000);
}

TEST_F(WorkerPoolTest, WhoWaitsForItsTurnIsPassedByOthers) {
  WorkerPool pool(2);
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::vector<std::string> order;  // the loop's
  const auto submit = [&](const void* turn, const std::string& name, bool waits) {
    Submit(
        pool, turn,
        [waits, name, released] {
          if (waits) released.get();
          return name;
        },
        [&order](const std::string& done) { order.push_back(done); });
  };
  std::promise<void> passed;
  submit(&pool, "first", true);
  submit(&pool, "second", false);
  submit(&pool, "third", false);
  submit(nullptr, "other", false);
  Submit(
      pool, &passed, [] { return 0; }, [&](int) { passed.set_value(); });
  passed.get_future().get();
  release.set_value();
  loops_.Shutdown();
  EXPECT_EQ(order, (std::vector<std::string>{"other", "first", "second", "third"}));
}

TEST_F(WorkerPoolTest, WhoManyWaitForDoesNotKeepOthersWaiting) {
  std::vector<std::string> order;  // the only worker's
  WorkerPool pool(1);
  std::promise<void> release;
  const auto submit = [&](const void* turn, const std::string& name) {
    Submit(
        pool, turn,
        [&order, name] {
          order.push_back(name);
          return 0;
        },
        [](int) {});
  };
  Submit(
      pool, nullptr,
      [&release] {
        release.get_future().get();
        return 0;
      },
      [](int) {});
  for (const char* name : {"a1", "a2", "a3"}) submit(&pool, name);
  for (const char* name : {"b1", "b2"}) submit(&order, name);
  LoopThread();  // has submitted them
  release.set_value();
  loops_.Shutdown();
  EXPECT_EQ(order, (std::vector<std::string>{"a1", "b1", "a2", "b2", "a3"}));
}

Task Catch(WorkerPool& pool, EventLoop& loop, std::promise<std::string>& what) {
  try {
    co_await RunOn(pool, loop, nullptr, []() -> int { throw std::runtime_error("of the pool"); });
  } catch (const std::exception& exception) {
    what.set_value(exception.what());
  }
}

TEST_F(WorkerPoolTest, WhatIsThrownThereIsCaughtHere) {
  WorkerPool pool(1);
  std::promise<std::string> what;
  loops_[0].Post([&] { Catch(pool, loops_[0], what); });
  EXPECT_EQ(what.get_future().get(), "of the pool");
  loops_.Shutdown();
}

TEST_F(WorkerPoolTest, ALoopDoesNotEndBeforeItsWork) {
  WorkerPool pool(1);
  std::promise<void> begun;
  std::promise<void> release;
  bool went_on = false;
  Submit(
      pool, nullptr,
      [&] {
        begun.set_value();
        release.get_future().get();
        return 0;
      },
      [&](int) { went_on = true; });
  begun.get_future().get();
  std::thread shutdown([&] { loops_.Shutdown(); });
  loops_[0].StopAll();
  release.set_value();
  shutdown.join();
  EXPECT_TRUE(went_on);
}

TEST_F(WorkerPoolTest, WithoutANumberItHasAThreadAProcessor) {
  const WorkerPool pool(0);
  EXPECT_EQ(pool.size(), std::max(1U, std::thread::hardware_concurrency()));
}

}  // namespace
}  // namespace normd::server
