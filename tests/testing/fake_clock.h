// A clock that stands still until it is told otherwise.
#ifndef NORMD_TESTS_TESTING_FAKE_CLOCK_H_
#define NORMD_TESTS_TESTING_FAKE_CLOCK_H_

#include <mutex>

#include "absl/time/time.h"
#include "core/session/session.h"

namespace normd::testing {

// Thread-safe. Must outlive the clocks made of it.
class FakeClock {
 public:
  FakeClock() = default;
  FakeClock(const FakeClock&) = delete;
  FakeClock& operator=(const FakeClock&) = delete;

  operator Clock() {  // NOLINT(google-explicit-constructor): it is one
    return [this] { return Now(); };
  }

  absl::Time Now() const {
    const std::lock_guard lock(mutex_);
    return now_;
  }

  void Advance(absl::Duration duration) {
    const std::lock_guard lock(mutex_);
    now_ += duration;
  }

 private:
  mutable std::mutex mutex_;
  absl::Time now_ = absl::FromUnixSeconds(1'000'000'000);
};

}  // namespace normd::testing

#endif  // NORMD_TESTS_TESTING_FAKE_CLOCK_H_
