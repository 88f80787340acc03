#include "client/cli/target_flags.h"

#include <utility>

#include "client/cli/choice.h"
#include "client/cli/session_name.h"
#include "client/cli/tensor_format.h"

namespace normd::cli {
namespace {

const Choices<v1::BatchNormMode> kModes = {{"training", v1::BATCH_NORM_MODE_TRAINING},
                                           {"inference", v1::BATCH_NORM_MODE_INFERENCE},
                                           {"streaming", v1::BATCH_NORM_MODE_STREAMING}};
const Choices<v1::UpdateOrder> kUpdateOrders = {
    {"update-first", v1::UPDATE_ORDER_UPDATE_THEN_NORMALIZE},
    {"normalize-first", v1::UPDATE_ORDER_NORMALIZE_THEN_UPDATE}};
const Choices<v1::UpdateGranularity> kGranularities = {{"row", v1::UPDATE_GRANULARITY_PER_ROW},
                                                       {"chunk", v1::UPDATE_GRANULARITY_PER_CHUNK}};
const Choices<v1::OnFrozen> kOnFrozen = {{"error", v1::ON_FROZEN_ERROR},
                                         {"normalize-only", v1::ON_FROZEN_NORMALIZE_ONLY}};

template <typename Request>
absl::Status FillRequest(const TargetFlags& flags, Request& request) {
  if (flags.session.empty() == flags.spec.method.empty()) {
    return absl::InvalidArgumentError("give either --session ID or --method NAME");
  }
  if (flags.session.empty()) {
    absl::StatusOr<v1::NormalizationSpec> spec = ToSpec(flags.spec);
    if (!spec.ok()) return spec.status();
    *request.mutable_spec() = *std::move(spec);
  } else {
    if (absl::Status status = RefuseSpecFlags(flags.spec); !status.ok()) return status;
    request.set_session(SessionName(flags.session));
  }
  request.set_mode(flags.mode);
  request.set_update_order(flags.order);
  request.set_update_granularity(flags.granularity);
  request.set_on_frozen(flags.on_frozen);
  request.set_output_element_type(flags.output_type);
  if (flags.inverse) request.set_direction(v1::DIRECTION_INVERSE);
  return absl::OkStatus();
}

}  // namespace

void TargetFlags::AddTo(CLI::App& command) {
  command.add_option("--session", session, "A session's id or name");
  AddChoice(command, "--mode", mode, kModes,
            "Methods that keep state: what to do with running statistics");
  AddChoice(command, "--order", order, kUpdateOrders, "streaming: which comes first");
  AddChoice(command, "--granularity", granularity, kGranularities, "streaming: what is one update");
  AddChoice(command, "--on-frozen", on_frozen, kOnFrozen, "What an update of a frozen session is");
  command.add_flag("--inverse", inverse, "Denormalize by running statistics, in mode inference");
  AddChoice(command, "--output-type", output_type, ElementTypes(),
            "Of the output's elements; default: the input's");
  spec.AddTo(command);
}

absl::Status Fill(const TargetFlags& flags, v1::Open& open) { return FillRequest(flags, open); }

absl::Status Fill(const TargetFlags& flags, v1::NormalizeRequest& request) {
  return FillRequest(flags, request);
}

}  // namespace normd::cli
