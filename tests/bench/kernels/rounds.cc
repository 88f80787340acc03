#include "tests/bench/kernels/rounds.h"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace normd::bench {
namespace {

constexpr double kTrialSeconds = 0.03;

double Now(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// Seconds a call.
double TimeOf(const std::function<void()>& run, int64_t calls, clockid_t clock) {
  const double start = Now(clock);
  for (int64_t i = 0; i < calls; ++i) run();
  return (Now(clock) - start) / static_cast<double>(calls);
}

// How many calls last for `seconds`. Warms up, too.
int64_t CallsFor(const std::function<void()>& run, double seconds, clockid_t clock) {
  run();
  for (int64_t calls = 1;; calls *= 2) {
    const double each = TimeOf(run, calls, clock);
    // Long enough for what is left of the estimate's error to be small.
    if (each * static_cast<double>(calls) > seconds / 4) {
      return std::max<int64_t>(1, std::llround(std::ceil(seconds / each)));
    }
  }
}

double BestOf(const std::function<void()>& run) {
  run();
  double best = std::numeric_limits<double>::infinity();
  double spent = 0;
  for (int i = 0; i < 3 || spent < kTrialSeconds; ++i) {
    const double seconds = TimeOf(run, 1, CLOCK_MONOTONIC);
    best = std::min(best, seconds);
    spent += seconds;
  }
  return best;
}

}  // namespace

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::vector<std::vector<double>> SecondsByRound(
    const std::vector<std::function<void()>>& contenders, const Effort& effort) {
  const clockid_t clock = effort.threads == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC;
  std::vector<int64_t> calls;
  for (const auto& contender : contenders) {
    calls.push_back(CallsFor(contender, effort.seconds, clock));
  }
  std::vector<std::vector<double>> seconds(effort.rounds);
  for (std::vector<double>& round : seconds) {
    for (size_t i = 0; i < contenders.size(); ++i) {
      contenders[i]();  // brings its own data into the caches
      round.push_back(TimeOf(contenders[i], calls[i], clock));
    }
  }
  return seconds;
}

Contender Fastest(const std::vector<Contender>& contenders) {
  size_t fastest = 0;
  double least = std::numeric_limits<double>::infinity();
  for (size_t i = 0; contenders.size() > 1 && i < contenders.size(); ++i) {
    const double seconds = BestOf(contenders[i].run);
    if (seconds >= least) continue;
    least = seconds;
    fastest = i;
  }
  return contenders[fastest];
}

}  // namespace normd::bench
