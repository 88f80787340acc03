// Who takes part in a case.
#ifndef NORMD_TESTS_BENCH_KERNELS_CONTENDERS_H_
#define NORMD_TESTS_BENCH_KERNELS_CONTENDERS_H_

#include <string>
#include <vector>

#include "tests/bench/kernels/kernel_case.h"

namespace normd::bench {

struct Named {
  std::string name;
  Contender contender;
};

// "normd" first, "normd_then_read", "onednn" and "pytorch" where they have such a kernel, and
// "memcpy"; none where normd has none. A peer's is the fastest of those of its kernels whose output
// is normd's, within the type's precision; ends the process where it has none such.
std::vector<Named> ContendersOf(const Operands& operands, int threads);

}  // namespace normd::bench

#endif  // NORMD_TESTS_BENCH_KERNELS_CONTENDERS_H_
