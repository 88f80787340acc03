// A clock that holds up a long update of a session, so that a worker of the server is busy for as
// long as a test likes.
#ifndef NORMD_TESTS_TESTING_HELD_CLOCK_H_
#define NORMD_TESTS_TESTING_HELD_CLOCK_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "core/session/session.h"

namespace normd::testing {

// Thread-safe. Must outlive the clocks made of it.
class HeldClock {
 public:
  HeldClock() = default;
  HeldClock(const HeldClock&) = delete;
  HeldClock& operator=(const HeldClock&) = delete;
  ~HeldClock() { Release(); }

  operator Clock() {  // NOLINT(google-explicit-constructor): it is one
    return [this] { return Now(); };
  }

  // From now on those threads are held that never asked for the time before: the workers, if no
  // long message of a session came yet. A long update asks when it begins, and when it is done, and
  // then holds no lock: there.
  void Arm() {
    const std::lock_guard lock(mutex_);
    armed_ = true;
  }

  // The same, but the update throws.
  void ArmToThrow(std::function<void()> thrower) {
    const std::lock_guard lock(mutex_);
    armed_ = true;
    thrower_ = std::move(thrower);
  }

  void WaitUntilHeld() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return held_; });
  }

  void Release() {
    const std::lock_guard lock(mutex_);
    armed_ = false;
    changed_.notify_all();
  }

 private:
  absl::Time Now() {
    std::unique_lock lock(mutex_);
    if (!armed_) {
      others_.insert(std::this_thread::get_id());
    } else if (!others_.contains(std::this_thread::get_id()) && ++times_ == 2) {
      if (thrower_) {
        armed_ = false;
        thrower_();
      }
      held_ = true;
      changed_.notify_all();
      changed_.wait(lock, [this] { return !armed_; });
    }
    return absl::Now();
  }

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::set<std::thread::id> others_;
  std::function<void()> thrower_;
  bool armed_ = false;
  bool held_ = false;
  int times_ = 0;
};

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_HELD_CLOCK_H_
