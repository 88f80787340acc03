// Whether the event loops have so much to do that new streams are better refused.
//
// What a server cannot keep up with waits mostly where it cannot look: in sockets, which gRPC reads
// only when a loop has nothing else to do, and in clients, held there by HTTP/2's windows. A loop's
// own queue stays short meanwhile (tests/bench/overload.sh). But by Little's law streams that share
// r messages a second wait n / r for each where they are n. So while a loop is saturated, there may
// be as many streams as get their messages within the longest wait that is allowed.
//
// Only streams that began of late and bring messages count: those are what overload adds. Others
// are silent, or slow, for reasons of their own.
#ifndef NORMD_SERVER_ASYNC_OVERLOAD_DETECTOR_H_
#define NORMD_SERVER_ASYNC_OVERLOAD_DETECTOR_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <mutex>

namespace normd::server {

// Thread-safe, but for Update.
class OverloadDetector {
 public:
  using Duration = std::chrono::nanoseconds;

  // Shares of time, by Sample::busy_share, in two windows one after the other: loops that were
  // busier in both have no time for more, and have some again when they were less busy in both.
  // Between them all is as it was: whoever is refused makes room, and is no reason to take more.
  static constexpr double kSaturatedShare = 0.95;
  static constexpr double kSpareShare = 0.9;
  // No fewer streams are too many, however slow: or else one client that sends all it can would
  // shut all others out.
  static constexpr int kFewStreams = 16;

  // A loop that is behind by more takes no part any more, and no stream is taken.
  static constexpr Duration kStuckDelay = std::chrono::milliseconds(100);

  // What was seen of the loops in one window.
  struct Sample {
    Duration window;       // since the one before
    double busy_share;     // of it: the busiest's thread ran, or waited for a processor
    Duration queue_delay;  // of the loop that is furthest behind: the least that was seen
  };

  // `most_delay`: the longest that a stream may wait for its turn. The largest Duration: any.
  explicit OverloadDetector(Duration most_delay) : most_delay_(most_delay) {}

  // Whether a stream would be refused.
  bool overloaded() const {
    return active_.load(std::memory_order_relaxed) >= most_.load(std::memory_order_relaxed);
  }

  // A stream, unless it is refused, for as long as it lives. One thread at a time.
  class Stream {
   public:
    explicit Stream(OverloadDetector& detector)
        : detector_(detector), refused_(detector.overloaded()) {}
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    bool refused() const { return refused_; }

    // It got a message.
    void CountMessage() {
      if (++messages_ % kSomeMessages == 0) Touch();
      if (messages_ >= kSomeMessages && detector_.IsRecent(window_)) {
        detector_.messages_.fetch_add(1, std::memory_order_relaxed);
      }
    }

   private:
    void Touch();
    void LeaveLocked();

    OverloadDetector& detector_;
    const bool refused_;
    uint64_t messages_ = 0;
    int64_t first_window_ = 0;  // in which it counted
    int64_t window_ = 0;        // in which it had brought kSomeMessages more
  };

  // Ends a window, and begins the next. One thread at a time.
  void Update(const Sample& sample);

 private:
  static constexpr int kAnyNumber = std::numeric_limits<int>::max();
  static constexpr int kRecentWindows = 5;
  static constexpr int kMostWindows = 50;  // that a stream counts in
  static constexpr int kSomeMessages = 4;

  bool IsRecent(int64_t window) const {
    return window_.load(std::memory_order_relaxed) - window < kRecentWindows;
  }
  int MostActive(const Sample& sample);

  const Duration most_delay_;
  std::atomic<int64_t> window_ = 0;
  std::atomic<int64_t> messages_ = 0;  // of those that count, in this window
  std::atomic<int> active_ = 0;        // streams that count: touched in kRecentWindows
  std::atomic<int> most_ = kAnyNumber;
  std::mutex mutex_;  // guards what follows, and changes of window_, active_
  std::array<int, kRecentWindows> active_of_ = {};  // by the window of their last touch
  // Of the window before; Update's only.
  Sample last_ = {};
  double last_rate_ = 0;
  bool saturated_ = false;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_ASYNC_OVERLOAD_DETECTOR_H_
