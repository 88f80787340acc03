#include "server/async/overload_detector.h"

#include <algorithm>

namespace normd::server {

OverloadDetector::Stream::~Stream() {
  if (messages_ < kSomeMessages) return;
  const std::lock_guard lock(detector_.mutex_);
  LeaveLocked();
}

// Counts it as of the present window.
void OverloadDetector::Stream::Touch() {
  const bool is_first = messages_ == kSomeMessages;
  const int64_t now = detector_.window_.load(std::memory_order_relaxed);
  if (!is_first && (now == window_ || now - first_window_ >= kMostWindows)) return;
  const std::lock_guard lock(detector_.mutex_);
  if (is_first) {
    first_window_ = detector_.window_;
  } else {
    LeaveLocked();
  }
  window_ = detector_.window_;
  ++detector_.active_of_[window_ % kRecentWindows];
  ++detector_.active_;
}

void OverloadDetector::Stream::LeaveLocked() {
  if (!detector_.IsRecent(window_)) return;
  --detector_.active_of_[window_ % kRecentWindows];
  --detector_.active_;
}

void OverloadDetector::Update(const Sample& sample) {
  most_ = MostActive(sample);
  const std::lock_guard lock(mutex_);
  ++window_;
  int& oldest = active_of_[window_ % kRecentWindows];
  active_ -= oldest;
  oldest = 0;
}

// Judges by two windows: a loop is stuck that was so in both, and as fast as it was in either.
int OverloadDetector::MostActive(const Sample& sample) {
  const double rate = static_cast<double>(messages_.exchange(0)) /
                      std::chrono::duration<double>(sample.window).count();
  const bool stuck = std::min(sample.queue_delay, last_.queue_delay) > kStuckDelay;
  const auto [less_busy, busier] = std::minmax(sample.busy_share, last_.busy_share);
  saturated_ = saturated_ ? busier > kSpareShare : less_busy > kSaturatedShare;
  const double most =
      std::max(rate, last_rate_) * std::chrono::duration<double>(most_delay_).count();
  last_ = sample;
  last_rate_ = rate;
  if (most_delay_ == Duration::max()) return kAnyNumber;
  if (stuck) return 0;
  if (!saturated_ || most >= kAnyNumber) return kAnyNumber;
  return std::max(kFewStreams, static_cast<int>(most));
}

}  // namespace normd::server
