// What to normalize by and how, as flags.
#ifndef NORMD_CLIENT_CLI_TARGET_FLAGS_H_
#define NORMD_CLIENT_CLI_TARGET_FLAGS_H_

#include <CLI/CLI.hpp>
#include <string>

#include "absl/status/status.h"
#include "client/cli/spec_flags.h"
#include "normd/v1/normalization.pb.h"

namespace normd::cli {

struct TargetFlags {
  std::string session;
  SpecFlags spec;
  v1::BatchNormMode mode = v1::BATCH_NORM_MODE_UNSPECIFIED;
  v1::UpdateOrder order = v1::UPDATE_ORDER_UNSPECIFIED;
  v1::UpdateGranularity granularity = v1::UPDATE_GRANULARITY_UNSPECIFIED;
  v1::OnFrozen on_frozen = v1::ON_FROZEN_UNSPECIFIED;
  bool inverse = false;
  v1::ElementType output_type = v1::ELEMENT_TYPE_UNSPECIFIED;

  void AddTo(CLI::App& command);
};

// INVALID_ARGUMENT unless there is either a session or a valid spec.
absl::Status Fill(const TargetFlags& flags, v1::Open& open);
absl::Status Fill(const TargetFlags& flags, v1::NormalizeRequest& request);

}  // namespace normd::cli

#endif  // NORMD_CLIENT_CLI_TARGET_FLAGS_H_
