// Times contenders side by side.
#ifndef NORMD_TESTS_BENCH_KERNELS_ROUNDS_H_
#define NORMD_TESTS_BENCH_KERNELS_ROUNDS_H_

#include <functional>
#include <optional>
#include <vector>

#include "tests/bench/kernels/kernel_case.h"

namespace normd::bench {

double Median(std::vector<double> values);

// Seconds a call, by [round][contender]. The contenders take turns within a round, so that whatever
// slows the machine down meets all of them; each runs for `milliseconds` at least.
std::vector<std::vector<double>> SecondsByRound(
    const std::vector<std::function<void()>>& contenders, int rounds, double milliseconds);

// The one whose best call is the fastest; nothing where there is none.
std::optional<Contender> Fastest(std::vector<Contender> contenders);

}  // namespace normd::bench

#endif  // NORMD_TESTS_BENCH_KERNELS_ROUNDS_H_
