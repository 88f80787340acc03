#include "server/observability/queue_delay.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <list>
#include <thread>

#include "server/async/overload_detector.h"
#include "server/observability/metrics.h"
#include "tests/testing/loop_fixture.h"

namespace normd::server {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Takes all of a loop's time.
class Burden {
 public:
  explicit Burden(EventLoop& loop) : loop_(loop) {
    loop_.Post([this] { Burn(); });
  }
  ~Burden() {
    stop_ = true;
    std::promise<void> idle;
    loop_.Post([&idle] { idle.set_value(); });
    idle.get_future().wait();
  }

 private:
  void Burn() {
    const auto end = steady_clock::now() + milliseconds(5);
    while (steady_clock::now() < end) {
    }
    if (!stop_) loop_.Post([this] { Burn(); });
  }

  EventLoop& loop_;
  std::atomic<bool> stop_ = false;
};

TEST(QueueDelaySamplerTest, OneSaturatedLoopAmongIdleOnesIsTold) {
  Metrics metrics;
  OverloadDetector detector(std::chrono::microseconds(1));
  testing::Loops loops(2);
  const Burden burden(loops[1]);
  const QueueDelaySampler sampler(metrics, loops.all(), detector);
  std::list<OverloadDetector::Stream> streams;
  for (int i = 0; i < 2 * OverloadDetector::kFewStreams; ++i) streams.emplace_back(detector);
  const auto deadline = steady_clock::now() + std::chrono::seconds(30);
  while (!detector.overloaded() && steady_clock::now() < deadline) {
    for (OverloadDetector::Stream& stream : streams) stream.CountMessage();
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_TRUE(detector.overloaded());
}

}  // namespace
}  // namespace normd::server
