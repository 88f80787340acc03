// Running statistics as flags.
#ifndef NORMD_CLIENT_CLI_STATISTICS_FLAGS_H_
#define NORMD_CLIENT_CLI_STATISTICS_FLAGS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "normd/v1/method.pb.h"

namespace normd::cli {

struct StatisticsFlags {
  std::string mean_path;  // .npy of any type, [C], as are the others
  std::string variance_path;
  std::string minimum_path;
  std::string maximum_path;
  std::optional<double> count;
  std::optional<uint64_t> batches;

  void AddTo(CLI::App& command);
};

// Nothing where no flag was given. INVALID_ARGUMENT where one of a pair is missing or a file is no
// tensor.
absl::StatusOr<std::optional<v1::RunningStatistics>> ToStatistics(const StatisticsFlags& flags);

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_STATISTICS_FLAGS_H_
