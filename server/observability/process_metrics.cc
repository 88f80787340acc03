#include "server/observability/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <system_error>

#include "absl/strings/numbers.h"
#include "grpcpp/grpcpp.h"

namespace normd::server {
namespace {

// Fields of /proc/self/stat, numbered as in proc(5).
enum StatField { kUserTicks = 14, kSystemTicks = 15, kStartTicks = 22, kBytes = 23, kPages = 24 };

// NaN where it cannot be read.
double StatOf(StatField wanted) {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  // The second field is the command in parentheses, and may hold anything.
  const size_t command_end = line.rfind(')');
  if (command_end == std::string::npos) return std::numeric_limits<double>::quiet_NaN();
  std::istringstream fields(line.substr(command_end + 1));
  std::string field;
  for (int i = 3; i <= wanted; ++i) fields >> field;
  double value = 0;
  return absl::SimpleAtod(field, &value) ? value : std::numeric_limits<double>::quiet_NaN();
}

double SecondsOf(double ticks) { return ticks / static_cast<double>(sysconf(_SC_CLK_TCK)); }

double BootTime() {
  std::ifstream file("/proc/stat");
  std::string key;
  double value = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    if (fields >> key >> value && key == "btime") return value;
  }
  return 0;
}

double OpenFiles() {
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  if (error) return std::numeric_limits<double>::quiet_NaN();
  // One of them is that of the iterator.
  return static_cast<double>(std::distance(begin(files), end(files))) - 1;
}

double MaxOpenFiles() {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur == RLIM_INFINITY ? std::numeric_limits<double>::infinity()
                                         : static_cast<double>(limit.rlim_cur);
}

}  // namespace

void AddProcessMetrics(Metrics& metrics) {
  metrics.AddCounter("process_cpu_seconds_total", "User and system CPU time in seconds.", {},
                     [] { return SecondsOf(StatOf(kUserTicks) + StatOf(kSystemTicks)); });
  metrics.AddGauge("process_resident_memory_bytes", "Resident memory in bytes.", {},
                   [] { return StatOf(kPages) * static_cast<double>(sysconf(_SC_PAGESIZE)); });
  metrics.AddGauge("process_virtual_memory_bytes", "Virtual memory in bytes.", {},
                   [] { return StatOf(kBytes); });
  metrics.AddGauge("process_open_fds", "Open file descriptors.", {}, OpenFiles);
  metrics.AddGauge("process_max_fds", "File descriptors that may be open.", {}, MaxOpenFiles);
  const double start_time = BootTime() + SecondsOf(StatOf(kStartTicks));
  metrics.AddGauge("process_start_time_seconds", "When the process began, in Unix time.", {},
                   [start_time] { return start_time; });
}

void AddBuildInfo(Metrics& metrics) {
  metrics.AddGauge("normd_build_info", "1; the labels tell the versions.",
                   {{"version", NORMD_VERSION}, {"grpc_version", grpc::Version()}},
                   [] { return 1; });
}

}  // namespace normd::server
