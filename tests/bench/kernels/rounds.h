// Times contenders side by side.
#ifndef NORMD_TESTS_BENCH_KERNELS_ROUNDS_H_
#define NORMD_TESTS_BENCH_KERNELS_ROUNDS_H_

#include <functional>
#include <vector>

#include "tests/bench/kernels/kernel_case.h"

namespace normd::bench {

double Median(std::vector<double> values);

struct Effort {
  int rounds = 9;
  double seconds = 0.02;  // for which each contender runs in a round, at least
  int threads = 1;        // of each contender
};

// Seconds a call, by [round][contender]. The contenders take turns within a round, so that whatever
// slows the machine down meets all of them. On one thread these are the processor's seconds, those
// of any thread that a library might start among them: what other processes took meanwhile says
// nothing. On several they are the clock's.
std::vector<std::vector<double>> SecondsByRound(
    const std::vector<std::function<void()>>& contenders, const Effort& effort);

// The one whose best call is the fastest. There must be one.
Contender Fastest(const std::vector<Contender>& contenders);

}  // namespace normd::bench

#endif  // NORMD_TESTS_BENCH_KERNELS_ROUNDS_H_
