// What a comparison measures over the whole stream, as flags.
#ifndef NORMD_CLIENT_CLI_PLAN_FLAGS_H_
#define NORMD_CLIENT_CLI_PLAN_FLAGS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "normd/v1/plan.pb.h"

namespace normd::cli {

struct PlanFlags {
  std::vector<int64_t> batch_sizes;
  std::vector<std::string> orders;
  uint64_t seed = 0;
  int64_t sample_kib = 32 << 10;  // what is above it is sent twice
  int64_t batch_size_in_use = 0;  // 0: as they come
  std::optional<double> largest_gap;
  std::optional<double> largest_ratio;
  std::optional<double> largest_drift;
  std::optional<double> widest_interval;

  void AddTo(CLI::App& command);
  v1::ComparisonPlan ToPlan() const;
};

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_PLAN_FLAGS_H_
