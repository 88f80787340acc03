// How many threads can run at one time.
#ifndef NORMD_SERVER_ASYNC_PROCESSORS_H_
#define NORMD_SERVER_ASYNC_PROCESSORS_H_

#include <limits>
#include <string>

namespace normd::server {

// The processors that this process may use, at least 1: those of its affinity, and no more than the
// CPU quota of its control groups gives, rounded up. std::thread::hardware_concurrency knows
// neither, and an event loop more than there are processors costs more than it brings.
int AvailableProcessors();

// Processors by the smallest quota of the control groups that `membership`, as /proc/self/cgroup,
// names below `mount`, as /sys/fs/cgroup, and of those around them; infinite where there is none.
// Versions 1 and 2.
double CpuQuota(const std::string& membership, const std::string& mount);

}  // namespace normd::server

#endif  // NORMD_SERVER_ASYNC_PROCESSORS_H_
