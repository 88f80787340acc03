// A clock that holds up whoever asks it for the time, for as long as a test likes.
#ifndef NORMD_TESTS_TESTING_GATED_CLOCK_H_
#define NORMD_TESTS_TESTING_GATED_CLOCK_H_

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/time/clock.h"
#include "core/session/session.h"

namespace normd::testing {

// Thread-safe. Must outlive the clocks made of it.
class GatedClock {
 public:
  GatedClock() = default;
  GatedClock(const GatedClock&) = delete;
  GatedClock& operator=(const GatedClock&) = delete;
  ~GatedClock() { Open(); }

  operator Clock() {  // NOLINT(google-explicit-constructor): it is one
    return [this] { return Now(); };
  }

  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    held_ = false;
  }

  // Returns when somebody is held, since it was closed; fails the test in a minute.
  void WaitUntilHeld() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::minutes(1), [this] { return held_; }));
  }

  void Open() {
    const std::lock_guard lock(mutex_);
    closed_ = false;
    changed_.notify_all();
  }

 private:
  absl::Time Now() {
    std::unique_lock lock(mutex_);
    if (closed_) {
      held_ = true;
      changed_.notify_all();
      changed_.wait(lock, [this] { return !closed_; });
    }
    return absl::Now();
  }

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool closed_ = false;
  bool held_ = false;
};

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_GATED_CLOCK_H_
