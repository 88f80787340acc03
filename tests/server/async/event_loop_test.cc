#include "server/async/event_loop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <set>
#include <thread>

#include "server/async/task.h"
#include "server/async/timer.h"
#include "tests/testing/loop_fixture.h"

namespace normd::server {
namespace {

using testing::Loops;

TEST(EventLoopTest, TasksRunInOrderOnOneThreadThatIsNotTheCallers) {
  Loops loops(1);
  std::vector<int> order;
  std::set<std::thread::id> threads;
  for (int i = 0; i < 1000; ++i) {
    loops[0].Post([&, i] {
      order.push_back(i);
      threads.insert(std::this_thread::get_id());
    });
  }
  loops.Shutdown();  // what was posted is run
  ASSERT_EQ(order.size(), 1000);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(threads.size(), 1);
  EXPECT_FALSE(threads.contains(std::this_thread::get_id()));
}

TEST(EventLoopTest, TasksFromManyThreadsNeedNoLock) {
  Loops loops(1);
  int count = 0;  // touched on the loop's thread only
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 1000; ++k) loops[0].Post([&] { ++count; });
    });
  }
  for (std::thread& thread : threads) thread.join();
  loops.Shutdown();
  EXPECT_EQ(count, 4000);
}

TEST(EventLoopTest, PostAfterShutdownDoesNothing) {
  Loops loops(1);
  loops.Shutdown();
  bool ran = false;
  loops[0].Post([&] { ran = true; });
  EXPECT_FALSE(ran);
}

struct Recorder final : Stoppable {
  explicit Recorder(EventLoop& loop) : loop(loop) { loop.Add(this); }
  ~Recorder() override { loop.Remove(this); }
  void Stop() override {
    ++stops;
    other.reset();  // may take another one along
  }
  EventLoop& loop;
  int stops = 0;
  std::unique_ptr<Recorder> other;
};

TEST(EventLoopTest, StopAllReachesEachOnceAndSurvivesRemovalMeanwhile) {
  Loops loops(1);
  std::promise<int> stops;
  loops[0].Post([&] {
    auto* first = new Recorder(loops[0]);
    auto* second = new Recorder(loops[0]);
    first->other = std::make_unique<Recorder>(loops[0]);
    second->other = std::make_unique<Recorder>(loops[0]);
    loops[0].StopAll();
    loops[0].Post([&stops, first, second, &loops] {
      EXPECT_TRUE(loops[0].stopping());
      stops.set_value(first->stops + second->stops);
      delete first;
      delete second;
    });
  });
  EXPECT_EQ(stops.get_future().get(), 2);
}

Task SleepThen(EventLoop& loop, std::chrono::milliseconds duration, std::promise<bool>& result) {
  const bool woke = co_await Sleep(loop, duration);
  result.set_value(woke);
}

TEST(EventLoopTest, IsBusyWhileItRunsATask) {
  Loops loops(1);
  std::promise<void> started;
  std::atomic<bool> enough = false;
  loops[0].Post([&] {
    started.set_value();
    while (!enough) {
    }
  });
  started.get_future().wait();
  const auto before = loops[0].BusyTime();
  while (loops[0].BusyTime() - before < std::chrono::milliseconds(50)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  enough = true;
}

TEST(SleepTest, EndsByItselfOrAtOnceWhenStopped) {
  Loops loops(1);
  std::promise<bool> after_a_while;
  std::promise<bool> stopped;
  std::promise<bool> late;
  loops[0].Post([&] {
    SleepThen(loops[0], std::chrono::milliseconds(1), after_a_while);
    SleepThen(loops[0], std::chrono::hours(1), stopped);
  });
  EXPECT_TRUE(after_a_while.get_future().get());
  loops[0].StopAll();
  EXPECT_FALSE(stopped.get_future().get());
  loops[0].Post([&] { SleepThen(loops[0], std::chrono::hours(1), late); });
  EXPECT_FALSE(late.get_future().get());
}

}  // namespace
}  // namespace normd::server
