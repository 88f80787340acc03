// A method and its parameters as flags.
#ifndef NORMD_CLIENT_CLI_SPEC_FLAGS_H_
#define NORMD_CLIENT_CLI_SPEC_FLAGS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "normd/v1/method.pb.h"

namespace normd::cli {

struct SpecFlags {
  std::string method;  // "" : none was given
  std::optional<double> epsilon;
  std::optional<int> channel_axis;
  std::optional<int> normalized_rank;
  std::optional<int64_t> group_count;
  std::optional<double> partial;
  std::optional<double> gain;
  std::string order;
  std::string gamma_file;
  std::string beta_file;
  std::string estimator;
  std::optional<double> momentum;
  bool old_weight = false;
  bool biased = false;
  std::optional<double> alpha;
  bool propagate_non_finite = false;

  void AddTo(CLI::App& command);
};

// For where a session brings its own spec. INVALID_ARGUMENT where any flag of a spec was given.
absl::Status RefuseSpecFlags(const SpecFlags& flags);

// INVALID_ARGUMENT where a flag does not go with the method, or a file is not readable.
absl::StatusOr<v1::NormalizationSpec> ToSpec(const SpecFlags& flags);

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_SPEC_FLAGS_H_
