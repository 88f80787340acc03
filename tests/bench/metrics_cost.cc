// What the metrics cost a message: prometheus-cpp's counters by cached reference, as the server has
// them, beside counters of a shard a thread, which it could have instead. Needs no server.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "prometheus/counter.h"
#include "prometheus/histogram.h"

ABSL_FLAG(int64_t, messages, 5'000'000, "Messages a thread and round.");
ABSL_FLAG(int, rounds, 7, "Rounds; their median is printed.");

namespace {

class ShardedCounter {
 public:
  void Increment(uint64_t by) {
    thread_local const size_t shard = next_shard_++ % kShards;
    shards_[shard].value.fetch_add(by, std::memory_order_relaxed);
  }

 private:
  static constexpr size_t kShards = 64;
  struct alignas(64) Shard {
    std::atomic<uint64_t> value = 0;
  };
  static inline std::atomic<size_t> next_shard_ = 0;
  std::array<Shard, kShards> shards_;
};

// A message is received and sent, and holds a token.
template <typename Counter>
struct MessageCounters {
  Counter received, sent, tokens;
  void Count() {
    received.Increment(1);
    sent.Increment(1);
    tokens.Increment(1);
  }
};

struct CallHistogram {
  prometheus::Histogram seconds{{.001, .01, .1, 1, 10, 60, 600, 3600}};
  void Count() { seconds.Observe(0.5); }
};

double ThreadNanoseconds() {
  timespec now = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// CPU time of one Count of a thread, where `threads` of them share the counters.
template <typename Counters>
double Measure(int threads) {
  const int64_t messages = absl::GetFlag(FLAGS_messages);
  Counters counters;
  std::atomic<int> ready = 0;
  std::vector<double> nanoseconds(threads);
  std::vector<std::thread> workers;
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back([&, i] {
      for (++ready; ready < threads;) {
      }
      const double start = ThreadNanoseconds();
      for (int64_t k = 0; k < messages; ++k) counters.Count();
      nanoseconds[i] = (ThreadNanoseconds() - start) / static_cast<double>(messages);
    });
  }
  for (std::thread& worker : workers) worker.join();
  return *std::max_element(nanoseconds.begin(), nanoseconds.end());
}

template <typename Counters>
void Report(const char* what) {
  for (const int threads : {1, 2}) {
    std::vector<double> rounds;
    for (int i = 0; i < absl::GetFlag(FLAGS_rounds); ++i) {
      rounds.push_back(Measure<Counters>(threads));
    }
    std::sort(rounds.begin(), rounds.end());
    std::printf("%-38s %7d %9.1f %8.1f %8.1f\n", what, threads, rounds[rounds.size() / 2],
                rounds.front(), rounds.back());
  }
}

}  // namespace

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  std::printf("%-38s %7s %9s %8s %8s\n", "ns of CPU", "threads", "median", "least", "most");
  Report<MessageCounters<prometheus::Counter>>("message: prometheus-cpp's 3 counters");
  Report<MessageCounters<ShardedCounter>>("message: 3 counters of a shard a thread");
  Report<CallHistogram>("call: prometheus-cpp's histogram");
  return 0;
}
