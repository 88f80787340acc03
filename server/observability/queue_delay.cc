#include "server/observability/queue_delay.h"

#include <algorithm>
#include <deque>
#include <utility>

namespace normd::server {
namespace {

// A sample takes 0.13 ms of CPU, most of it to wake an idle loop: this is 0.05% of a processor.
constexpr auto kInterval = std::chrono::milliseconds(250);
// Of busy loops, which need not be woken.
constexpr auto kBusyInterval = std::chrono::milliseconds(50);
// Between two judgements: two periods of a cgroup's CPU quota, which stops a process for most of
// each where it is small, though there is little to do.
constexpr auto kWindow = std::chrono::milliseconds(200);

}  // namespace

// What one loop's thread has answered, and what not yet.
class QueueDelaySampler::Probe {
 public:
  void Posted() {
    const std::lock_guard lock(mutex_);
    posted_.push_back(Clock::now());
  }

  // On the loop's thread: the delay of what was posted first.
  Clock::duration Answer() {
    const std::lock_guard lock(mutex_);
    const Clock::duration delay = Clock::now() - posted_.front();
    posted_.pop_front();
    least_ = std::min(least_, delay);
    return delay;
  }

  // The least delay since this was last called; the age of what is not answered, where nothing was.
  Clock::duration TakeLeast() {
    const std::lock_guard lock(mutex_);
    const Clock::duration least = std::exchange(least_, Clock::duration::max());
    if (least != Clock::duration::max()) return least;
    return posted_.empty() ? Clock::duration::zero() : Clock::now() - posted_.front();
  }

 private:
  std::mutex mutex_;  // guards what follows
  std::deque<Clock::time_point> posted_;
  Clock::duration least_ = Clock::duration::max();
};

QueueDelaySampler::QueueDelaySampler(Metrics& metrics,
                                     const std::vector<std::unique_ptr<EventLoop>>& loops,
                                     OverloadDetector& overload)
    : delay_(metrics.Histogram(
          "normd_queue_delay_seconds",
          "How long what is put on an event loop's queue waits for its thread, sampled.", {},
          {.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5})),
      loops_(loops),
      overload_(overload) {
  for (size_t i = 0; i < loops.size(); ++i) probes_.push_back(std::make_shared<Probe>());
  thread_ = std::thread([this] { Run(); });
}

QueueDelaySampler::~QueueDelaySampler() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  stopped_changed_.notify_all();
  thread_.join();
}

void QueueDelaySampler::Run() {
  Clock::time_point judged = Clock::now();
  TakeBusyShare(kWindow);  // since the loops began
  bool is_busy = false;
  std::unique_lock lock(mutex_);
  while (!stopped_changed_.wait_for(lock, is_busy ? kBusyInterval : kInterval,
                                    [this] { return stopped_; })) {
    const Clock::time_point now = Clock::now();
    if (now - judged >= kWindow) {
      Clock::duration delay = Clock::duration::zero();
      for (const auto& probe : probes_) delay = std::max(delay, probe->TakeLeast());
      const double share = TakeBusyShare(now - judged);
      overload_.Update({now - judged, share, delay});
      is_busy = share > OverloadDetector::kSpareShare;
      judged = now;
    }
    for (size_t i = 0; i < loops_.size(); ++i) {
      probes_[i]->Posted();
      loops_[i]->Post([&delay = delay_, probe = probes_[i]] {
        delay.Observe(std::chrono::duration<double>(probe->Answer()).count());
      });
    }
  }
}

double QueueDelaySampler::TakeBusyShare(Clock::duration window) {
  busy_.resize(loops_.size());
  Clock::duration most = Clock::duration::zero();
  for (size_t i = 0; i < loops_.size(); ++i) {
    const Clock::duration before = std::exchange(busy_[i], loops_[i]->BusyTime());
    most = std::max(most, busy_[i] - before);
  }
  return std::chrono::duration<double>(most) / window;
}

}  // namespace normd::server
