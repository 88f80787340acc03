// How long what is put on an event loop's queue waits for the loop's thread, and how busy that is.
#ifndef NORMD_SERVER_OBSERVABILITY_QUEUE_DELAY_H_
#define NORMD_SERVER_OBSERVABILITY_QUEUE_DELAY_H_

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "prometheus/histogram.h"
#include "server/async/event_loop.h"
#include "server/async/overload_detector.h"
#include "server/observability/metrics.h"

namespace normd::server {

// normd_queue_delay_seconds: samples it four times a second on each loop, from a thread of its own,
// so that loops that are all busy are sampled as often as idle ones. Tells an OverloadDetector of
// it and, while there is much to do, more often.
class QueueDelaySampler {
 public:
  // Begins. `metrics` and `overload` must outlive the loops, and those this.
  QueueDelaySampler(Metrics& metrics, const std::vector<std::unique_ptr<EventLoop>>& loops,
                    OverloadDetector& overload);
  ~QueueDelaySampler();

 private:
  using Clock = std::chrono::steady_clock;

  class Probe;

  void Run();
  // Of the loop that was busiest since this was last called, a share of `window`.
  double TakeBusyShare(Clock::duration window);

  prometheus::Histogram& delay_;
  const std::vector<std::unique_ptr<EventLoop>>& loops_;
  OverloadDetector& overload_;
  std::vector<std::shared_ptr<Probe>> probes_;  // one a loop; tasks that were posted hold them too
  std::vector<Clock::duration> busy_;           // of each loop, when it was last asked
  std::mutex mutex_;                            // guards what follows
  std::condition_variable stopped_changed_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace normd::server

#endif  // NORMD_SERVER_OBSERVABILITY_QUEUE_DELAY_H_
