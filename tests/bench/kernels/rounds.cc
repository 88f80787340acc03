#include "tests/bench/kernels/rounds.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

namespace normd::bench {
namespace {

constexpr double kTrialSeconds = 0.03;

// Seconds a call.
double TimeOf(const std::function<void()>& run, int64_t calls) {
  const auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < calls; ++i) run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() /
         static_cast<double>(calls);
}

// How many calls last for `seconds`. Warms up, too.
int64_t CallsFor(const std::function<void()>& run, double seconds) {
  run();
  for (int64_t calls = 1;; calls *= 2) {
    const double each = TimeOf(run, calls);
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
    const double seconds = TimeOf(run, 1);
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
    const std::vector<std::function<void()>>& contenders, int rounds, double milliseconds) {
  std::vector<int64_t> calls;
  for (const auto& contender : contenders) {
    calls.push_back(CallsFor(contender, milliseconds / 1000));
  }
  std::vector<std::vector<double>> seconds(rounds);
  for (std::vector<double>& round : seconds) {
    for (size_t i = 0; i < contenders.size(); ++i) {
      contenders[i]();  // brings its own data into the caches
      round.push_back(TimeOf(contenders[i], calls[i]));
    }
  }
  return seconds;
}

std::optional<Contender> Fastest(std::vector<Contender> contenders) {
  if (contenders.empty()) return std::nullopt;
  size_t fastest = 0;
  double least = std::numeric_limits<double>::infinity();
  for (size_t i = 0; contenders.size() > 1 && i < contenders.size(); ++i) {
    const double seconds = BestOf(contenders[i].run);
    if (seconds >= least) continue;
    least = seconds;
    fastest = i;
  }
  return std::move(contenders[fastest]);
}

}  // namespace normd::bench
