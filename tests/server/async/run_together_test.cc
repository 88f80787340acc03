// WorkerPool::RunTogether: what one thread shares with those that have nothing to do.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "server/async/worker_pool.h"

namespace normd::server {
namespace {

static_assert(noexcept(std::declval<WorkerPool&>().RunTogether(
                  1, std::declval<absl::FunctionRef<void(int64_t)>>())),
              "what a task throws must not leave others at work on what is gone");

class FunctionJob final : public WorkerPool::Job {
 public:
  explicit FunctionJob(std::function<void()> function, const void* turn = nullptr)
      : Job(turn), function_(std::move(function)) {}

  void Wait() { ran_.get_future().get(); }

 private:
  void Run() override {
    function_();
    ran_.set_value();
  }

  const std::function<void()> function_;
  std::promise<void> ran_;
};

// Holds a thread of the pool for as long as it lives.
class BusyThread {
 public:
  explicit BusyThread(WorkerPool& pool)
      : job_([this] {
          begun_.set_value();
          released_.get_future().get();
        }) {
    pool.Submit(job_);
    begun_.get_future().get();
  }
  ~BusyThread() {
    released_.set_value();
    job_.Wait();
  }

 private:
  std::promise<void> begun_;
  std::promise<void> released_;
  FunctionJob job_;
};

// Without atomics: that no two threads are at one element is part of the promise.
void ExpectEachRunsOnce(WorkerPool& pool, int64_t count) {
  std::vector<int> runs(count);
  pool.RunTogether(count, [&](int64_t i) { ++runs[i]; });
  EXPECT_EQ(runs, std::vector<int>(count, 1));
}

TEST(RunTogetherTest, EachTaskRunsOnce) {
  for (const int threads : {1, 2, 4}) {
    WorkerPool pool(threads);
    for (const int64_t count : {0, 1, 2, 3, 7, 1000}) {
      ExpectEachRunsOnce(pool, count);
      FunctionJob job([&] { ExpectEachRunsOnce(pool, count); });
      pool.Submit(job);
      job.Wait();
    }
  }
}

// Whoever comes to help late finds what is gone: the sanitizers tell.
TEST(RunTogetherTest, NothingIsTouchedAfterItsEnd) {
  WorkerPool pool(4);
  for (int i = 0; i < 5000; ++i) {
    auto counts = std::make_unique<std::vector<int>>(4);
    pool.RunTogether(4, [&](int64_t task) { ++(*counts)[task]; });
    ASSERT_EQ(std::accumulate(counts->begin(), counts->end(), 0), 4);
  }
}

TEST(RunTogetherTest, SeveralThreadsShareAtOnce) {
  WorkerPool pool(3);
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&pool] {
      for (int round = 0; round < 200; ++round) ExpectEachRunsOnce(pool, 16);
    });
  }
  for (std::thread& caller : callers) caller.join();
}

TEST(RunTogetherTest, AJobIsHelpedByAThreadWithoutOne) {
  WorkerPool pool(2);
  std::latch both(2);
  FunctionJob job([&] { pool.RunTogether(2, [&](int64_t) { both.arrive_and_wait(); }); });
  pool.Submit(job);
  job.Wait();
}

TEST(RunTogetherTest, HelpersAtWorkAreWaitedFor) {
  WorkerPool pool(2);
  const std::thread::id caller = std::this_thread::get_id();
  std::latch both(2);
  bool helped = false;
  pool.RunTogether(2, [&](int64_t) {
    both.arrive_and_wait();
    if (std::this_thread::get_id() == caller) return;
    for (int i = 0; i < 10000; ++i) std::this_thread::yield();
    helped = true;
  });
  EXPECT_TRUE(helped);
}

TEST(RunTogetherTest, NoMoreThreadsThanThePoolHasWorkForAJob) {
  WorkerPool pool(2);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  FunctionJob job([&] {
    pool.RunTogether(1000, [&](int64_t) {
      const std::lock_guard lock(mutex);
      threads.insert(std::this_thread::get_id());
    });
  });
  pool.Submit(job);
  job.Wait();
  EXPECT_LE(threads.size(), 2);
}

TEST(RunTogetherTest, BusyThreadsAreNotWaitedFor) {
  WorkerPool pool(2);
  const BusyThread one(pool);
  FunctionJob job([&] { ExpectEachRunsOnce(pool, 100); });
  pool.Submit(job);
  job.Wait();
  const BusyThread other(pool);
  ExpectEachRunsOnce(pool, 100);
}

TEST(RunTogetherTest, HelpIsNoJob) {
  WorkerPool pool(2);
  std::latch both(2);
  pool.RunTogether(2, [&](int64_t) {
    EXPECT_EQ(pool.waiting(), 0);
    both.arrive_and_wait();
  });
  EXPECT_EQ(pool.submitted(), 0);
}

TEST(RunTogetherTest, AJobGoesBeforeHelp) {
  WorkerPool pool(2);
  const BusyThread one(pool);  // so that only the other can help
  const std::thread::id caller = std::this_thread::get_id();
  std::promise<void> ran;
  std::atomic<bool> has_run = false;
  FunctionJob job([&] {
    has_run = true;
    ran.set_value();
  });
  std::atomic<int> helped = 0;
  pool.RunTogether(3, [&](int64_t) {
    if (std::this_thread::get_id() == caller) {
      if (!has_run) ran.get_future().get();
    } else if (helped++ == 0) {
      pool.Submit(job);
    } else {
      EXPECT_TRUE(has_run);
    }
  });
  job.Wait();
  EXPECT_GE(helped, 1);
}

TEST(RunTogetherTest, ThoseWhoWaitForTheirTurnKeepNobodyFromHelping) {
  WorkerPool pool(2);
  std::promise<void> queued;
  std::latch both(2);
  std::atomic<int> begun = 0;
  std::vector<int> runs(100);
  FunctionJob first(
      [&] {
        queued.get_future().get();
        pool.RunTogether(100, [&](int64_t i) {
          ++runs[i];
          if (begun++ < 2) both.arrive_and_wait();
        });
      },
      &pool);
  FunctionJob second([] {}, &pool);
  pool.Submit(first);
  pool.Submit(second);
  queued.set_value();
  second.Wait();
  EXPECT_EQ(runs, std::vector<int>(100, 1));
}

TEST(RunTogetherTest, TasksMayShareInTurn) {
  WorkerPool pool(3);
  std::vector<std::vector<int>> runs(8, std::vector<int>(8));
  FunctionJob job([&] {
    pool.RunTogether(8,
                     [&](int64_t i) { pool.RunTogether(8, [&, i](int64_t j) { ++runs[i][j]; }); });
  });
  pool.Submit(job);
  job.Wait();
  EXPECT_EQ(runs, std::vector(8, std::vector(8, 1)));
}

TEST(RunTogetherTest, WhatIsUnderWayWhenThePoolEndsIsDone) {
  for (int round = 0; round < 50; ++round) {
    std::vector<std::unique_ptr<FunctionJob>> jobs;
    std::atomic<int> done = 0;
    {
      WorkerPool pool(3);
      for (int i = 0; i < 5; ++i) {
        jobs.push_back(std::make_unique<FunctionJob>([&] {
          ExpectEachRunsOnce(pool, 100);
          ++done;
        }));
        pool.Submit(*jobs.back());
      }
    }
    EXPECT_EQ(done, 5);
  }
}

}  // namespace
}  // namespace normd::server
