#include "server/async/processors.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace normd::server {
namespace {

constexpr double kUnlimited = std::numeric_limits<double>::infinity();

// All words of a file; none where it cannot be read.
std::vector<std::string> WordsOf(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

// Both in microseconds; "max" and -1 are no quota.
double Processors(const std::vector<std::string>& quota_and_period) {
  double quota = 0;
  double period = 0;
  if (quota_and_period.size() != 2 || !absl::SimpleAtod(quota_and_period[0], &quota) ||
      !absl::SimpleAtod(quota_and_period[1], &period)) {
    return kUnlimited;
  }
  return quota > 0 && period > 0 ? quota / period : kUnlimited;
}

double QuotaOf(const std::string& group) {
  std::vector<std::string> version1 = WordsOf(group + "/cpu.cfs_quota_us");
  for (std::string& word : WordsOf(group + "/cpu.cfs_period_us")) version1.push_back(word);
  return std::min(Processors(WordsOf(group + "/cpu.max")), Processors(version1));
}

}  // namespace

double CpuQuota(const std::string& membership, const std::string& mount) {
  double quota = kUnlimited;
  // Lines "NUMBER:CONTROLLERS:PATH", of version 2 without controllers.
  for (const absl::string_view line : absl::StrSplit(membership, '\n')) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    const std::vector<std::string> controllers = absl::StrSplit(parts[1], ',');
    const bool has_cpu =
        std::find(controllers.begin(), controllers.end(), "cpu") != controllers.end();
    if (!parts[1].empty() && !has_cpu) continue;
    const std::string root = parts[1].empty() ? mount : absl::StrCat(mount, "/cpu");
    // A container may see its own group at the root, whatever it is called outside.
    std::string path = parts[2];
    for (;;) {
      quota = std::min(quota, QuotaOf(root + path));
      const size_t slash = path.rfind('/');
      if (slash == std::string::npos) break;
      path.resize(slash);
    }
  }
  return quota;
}

int AvailableProcessors() {
  cpu_set_t affinity;
  const int own = sched_getaffinity(0, sizeof(affinity), &affinity) == 0 ? CPU_COUNT(&affinity) : 1;
  std::ifstream in("/proc/self/cgroup");
  std::stringstream membership;
  membership << in.rdbuf();
  const double quota = CpuQuota(membership.str(), "/sys/fs/cgroup");
  return std::max(1, static_cast<int>(std::min<double>(own, std::ceil(quota))));
}

}  // namespace normd::server
