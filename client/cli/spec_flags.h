// A method and its parameters as flags.
#ifndef NORMD_CLIENT_CLI_SPEC_FLAGS_H_
#define NORMD_CLIENT_CLI_SPEC_FLAGS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "normd/v1/method.pb.h"

namespace normd::cli {

// The methods that the contract knows: "layer_norm", ...
std::vector<std::string> MethodNames();

struct SpecFlags {
  std::string method;  // "" : none was given
  v1::Profile profile = v1::PROFILE_UNSPECIFIED;
  std::optional<double> epsilon;
  v1::Epsilon::Placement epsilon_placement = v1::Epsilon::PLACEMENT_UNSPECIFIED;
  std::optional<int> channel_axis;
  std::optional<int> normalized_rank;
  std::optional<int64_t> group_count;
  std::optional<double> low;
  std::optional<double> high;
  std::optional<bool> center;
  std::optional<bool> scale;
  std::optional<double> partial;
  std::optional<double> gain;
  v1::LpNorm::Order order = v1::LpNorm::ORDER_UNSPECIFIED;
  std::string gamma_file;
  std::string beta_file;
  std::string estimator;
  std::optional<double> momentum;
  std::optional<bool> old_weight;
  std::optional<bool> biased;
  std::optional<double> alpha;
  std::optional<double> clip;
  bool propagate_non_finite = false;

  // Flags that were not given leave their fields as they are.
  void AddTo(CLI::App& command);

  std::vector<const CLI::Option*> parameters;  // all flags but --method
};

// For where a session brings its own spec. INVALID_ARGUMENT where any flag of a spec was given.
absl::Status RefuseSpecFlags(const SpecFlags& flags);

// INVALID_ARGUMENT where a flag does not go with the method, or a file is not readable.
absl::StatusOr<v1::NormalizationSpec> ToSpec(const SpecFlags& flags);

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_SPEC_FLAGS_H_
