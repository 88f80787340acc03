// What a process holds in RAM.
#ifndef NORMD_TESTS_BENCH_RESIDENT_MEMORY_H_
#define NORMD_TESTS_BENCH_RESIDENT_MEMORY_H_

#include <unistd.h>

#include <fstream>
#include <string>

namespace normd::bench {

// 0 where there is no such process.
inline double ResidentMiB(int pid) {
  std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
  double total = 0;
  double resident = 0;
  statm >> total >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

}  // namespace normd::bench

#endif  // NORMD_TESTS_BENCH_RESIDENT_MEMORY_H_
