#include "client/cli/spec_flags.h"

#include <algorithm>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/choice.h"
#include "client/cli/tensor_file.h"
#include "google/protobuf/message.h"

namespace normd::cli {
namespace {

using google::protobuf::FieldDescriptor;

const Choices<v1::LpNorm::Order> kNormOrders = {{"1", v1::LpNorm::ORDER_ONE},
                                                {"2", v1::LpNorm::ORDER_TWO},
                                                {"infinity", v1::LpNorm::ORDER_INFINITY}};
const Choices<v1::Profile> kProfiles = {{"pytorch", v1::PROFILE_PYTORCH},
                                        {"keras", v1::PROFILE_KERAS},
                                        {"flax", v1::PROFILE_FLAX},
                                        {"onnx", v1::PROFILE_ONNX}};
const Choices<v1::Epsilon::Placement> kPlacements = {
    {"inside-root", v1::Epsilon::PLACEMENT_INSIDE_ROOT},
    {"outside-root", v1::Epsilon::PLACEMENT_OUTSIDE_ROOT},
    {"clamp-variance", v1::Epsilon::PLACEMENT_CLAMP_VARIANCE},
    {"clamp-deviation", v1::Epsilon::PLACEMENT_CLAMP_DEVIATION}};

absl::Status DoesNotApply(const char* flag, const std::string& to) {
  return absl::InvalidArgumentError(absl::StrCat(flag, " does not apply to ", to));
}

// momentum and its kin stand for batch-ema where no estimator is named.
absl::Status FillEstimator(const SpecFlags& flags, v1::Estimator* estimator) {
  const std::string& kind = flags.estimator;
  const std::string name = absl::StrCat("the estimator ", kind.empty() ? "batch-ema" : kind);
  const bool ema = kind.empty() || kind == "batch-ema";
  if (!ema && flags.momentum) return DoesNotApply("--momentum", name);
  if (!ema && flags.old_weight) return DoesNotApply("--old-weight", name);
  if (!ema && kind != "cumulative-batch" && flags.biased) return DoesNotApply("--biased", name);
  if (kind != "token-ema" && flags.alpha) return DoesNotApply("--alpha", name);
  if (kind == "cumulative") {
    estimator->mutable_cumulative();
  } else if (kind == "cumulative-batch") {
    v1::CumulativeBatch* batch = estimator->mutable_cumulative_batch();
    if (flags.biased) batch->set_unbiased(!*flags.biased);
  } else if (kind == "token-ema") {
    v1::TokenEma* token = estimator->mutable_token_ema();
    if (flags.alpha) token->set_alpha(*flags.alpha);
  } else {
    v1::BatchEma* batch = estimator->mutable_batch_ema();
    if (flags.momentum) batch->set_momentum(*flags.momentum);
    if (flags.old_weight) {
      batch->set_convention(*flags.old_weight ? v1::BatchEma::CONVENTION_OLD_WEIGHT
                                              : v1::BatchEma::CONVENTION_NEW_WEIGHT);
    }
    if (flags.biased) batch->set_unbiased(!*flags.biased);
  }
  return absl::OkStatus();
}

// A method's message, whose fields are found by their names: a flag that has none there does not
// apply to the method.
class MethodFields {
 public:
  MethodFields(const SpecFlags& flags, google::protobuf::Message* method)
      : flags_(flags), method_(method) {}

  template <typename Value>
  absl::Status Set(const char* flag, const char* name, const std::optional<Value>& value) {
    if (!value) return absl::OkStatus();
    const FieldDescriptor* field = Find(name);
    if (field == nullptr) return DoesNotApply(flag, flags_.method);
    const auto* reflection = method_->GetReflection();
    if constexpr (std::is_same_v<Value, double>) {
      reflection->SetDouble(method_, field, *value);
    } else if constexpr (std::is_same_v<Value, bool>) {
      reflection->SetBool(method_, field, *value);
    } else if constexpr (std::is_same_v<Value, int64_t>) {
      reflection->SetInt64(method_, field, *value);
    } else {
      reflection->SetInt32(method_, field, *value);
    }
    return absl::OkStatus();
  }

  bool Has(const char* name) const { return Find(name) != nullptr; }

  // The message of that name, of type `Message`, which is then set; null where the method has none.
  template <typename Message>
  Message* Find(const char* name) {
    const FieldDescriptor* field = Find(name);
    if (field == nullptr) return nullptr;
    return google::protobuf::DynamicCastToGenerated<Message>(
        method_->GetReflection()->MutableMessage(method_, field));
  }

 private:
  const FieldDescriptor* Find(const char* name) const {
    return method_->GetDescriptor()->FindFieldByName(name);
  }

  const SpecFlags& flags_;
  google::protobuf::Message* method_;
};

absl::Status FillMethod(const SpecFlags& flags, google::protobuf::Message* method) {
  MethodFields fields(flags, method);
  absl::Status status = fields.Set("--channel-axis", "channel_axis", flags.channel_axis);
  status.Update(fields.Set("--normalized-rank", "normalized_rank", flags.normalized_rank));
  status.Update(fields.Set("--group-count", "group_count", flags.group_count));
  status.Update(fields.Set("--partial", "partial", flags.partial));
  status.Update(fields.Set("--gain", "gain", flags.gain));
  status.Update(fields.Set("--low", "low", flags.low));
  status.Update(fields.Set("--high", "high", flags.high));
  status.Update(fields.Set("--no-center", "center", flags.center));
  status.Update(fields.Set("--no-scale", "scale", flags.scale));
  const bool averages =
      !flags.estimator.empty() || flags.momentum || flags.old_weight || flags.biased;
  if (!fields.Has("estimator")) {
    if (averages) status.Update(DoesNotApply("an estimator", flags.method));
    status.Update(fields.Set("--alpha", "alpha", flags.alpha));
  } else if (averages || flags.alpha) {
    status.Update(FillEstimator(flags, fields.Find<v1::Estimator>("estimator")));
  }
  if (flags.order != v1::LpNorm::ORDER_UNSPECIFIED) {
    auto* lp_norm = google::protobuf::DynamicCastToGenerated<v1::LpNorm>(method);
    if (lp_norm == nullptr) return DoesNotApply("--p", flags.method);
    lp_norm->set_order(flags.order);
  }
  if (flags.epsilon || flags.epsilon_placement != v1::Epsilon::PLACEMENT_UNSPECIFIED) {
    auto* epsilon = fields.Find<v1::Epsilon>("epsilon");
    if (epsilon == nullptr)
      return DoesNotApply(flags.epsilon ? "--epsilon" : "--epsilon-placement", flags.method);
    if (flags.epsilon) epsilon->set_value(*flags.epsilon);
    epsilon->set_placement(flags.epsilon_placement);
  }
  for (const auto& [file, tensor] : {std::pair(&flags.gamma_file, &v1::Affine::mutable_gamma),
                                     std::pair(&flags.beta_file, &v1::Affine::mutable_beta)}) {
    if (file->empty()) continue;
    auto* affine = fields.Find<v1::Affine>("affine");
    if (affine == nullptr) return DoesNotApply("--gamma or --beta", flags.method);
    absl::StatusOr<v1::Tensor> read = ReadParameter(*file);
    if (!read.ok()) return read.status();
    *(affine->*tensor)() = *std::move(read);
  }
  return status;
}

// A flag that sets `value` to what it means; without it the value stays unset.
CLI::Option* AddSwitch(CLI::App& command, const char* name, std::optional<bool>& value,
                       bool meaning, const char* description) {
  return command.add_flag_callback(
      name, [&value, meaning] { value = meaning; }, description);
}

}  // namespace

std::vector<std::string> MethodNames() {
  const auto* methods = v1::NormalizationSpec::descriptor()->FindOneofByName("method");
  std::vector<std::string> names;
  names.reserve(methods->field_count());
  for (int i = 0; i < methods->field_count(); ++i) names.push_back(methods->field(i)->name());
  return names;
}

void SpecFlags::AddTo(CLI::App& command) {
  command.add_option("--method", method, "The method; see `normctl methods`")
      ->check(CLI::IsMember(MethodNames()));
  parameters = {
      AddChoice(command, "--profile", profile, kProfiles, "Whose defaults; default: pytorch"),
      command.add_option("--epsilon", epsilon, "Keeps the division finite; default: the method's"),
      AddChoice(command, "--epsilon-placement", epsilon_placement, kPlacements,
                "Where epsilon stands; default: the method's"),
      command.add_option("--channel-axis", channel_axis,
                         "Methods over channels: their axis within [N, row...]"),
      command.add_option("--normalized-rank", normalized_rank,
                         "Trailing dimensions that share statistics, or that gamma and beta have"),
      command.add_option("--group-count", group_count, "group_norm: groups of channels"),
      command.add_option("--low", low, "min_max, row_min_max: where the minimum goes"),
      command.add_option("--high", high, "min_max, row_min_max: where the maximum goes"),
      AddSwitch(command, "--no-center", center, false, "Standardization: do not subtract the mean"),
      AddSwitch(command, "--no-scale", scale, false,
                "Standardization: do not divide by the deviation"),
      command.add_option("--partial", partial, "rms_norm: the share of elements that is counted"),
      command.add_option("--gain", gain,
                         "scale_norm: what multiplies; default: the root of the size"),
      AddChoice(command, "--p", order, kNormOrders, "lp_norm: which norm"),
      command.add_option("--gamma", gamma_file, "Scale, a .npy file"),
      command.add_option("--beta", beta_file, "Shift, a .npy file"),
      command
          .add_option("--estimator", estimator,
                      "batch_norm, standardization: how running statistics are kept")
          ->check(CLI::IsMember({"cumulative", "cumulative-batch", "batch-ema", "token-ema"})),
      command.add_option("--momentum", momentum,
                         "batch-ema: the weight of a new batch, or of the old average"),
      AddSwitch(command, "--old-weight", old_weight, true,
                "--momentum weighs the old average, as in Keras"),
      AddSwitch(command, "--new-weight", old_weight, false,
                "--momentum weighs the new batch, as in PyTorch"),
      AddSwitch(command, "--biased", biased, true,
                "Average batch variances without Bessel's correction"),
      AddSwitch(command, "--unbiased", biased, false,
                "Average batch variances with Bessel's correction"),
      command.add_option("--alpha", alpha,
                         "token-ema: the weight of a new token; dynamic_tanh: the slope at 0"),
      command.add_option("--clip", clip, "Clip outputs to -CLIP and CLIP"),
      command.add_flag("--propagate-non-finite", propagate_non_finite,
                       "Let NaN and infinity through instead of refusing their chunk")};
}

absl::Status RefuseSpecFlags(const SpecFlags& flags) {
  const bool given = std::any_of(flags.parameters.begin(), flags.parameters.end(),
                                 [](const CLI::Option* option) { return option->count() > 0; });
  if (!given) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "a session has its own parameters: leave out those of a method (see `normctl session get`)");
}

absl::StatusOr<v1::NormalizationSpec> ToSpec(const SpecFlags& flags) {
  v1::NormalizationSpec spec;
  const FieldDescriptor* field = v1::NormalizationSpec::descriptor()->FindFieldByName(flags.method);
  if (field == nullptr) {
    return absl::InvalidArgumentError("--method is needed; `normctl methods` lists them");
  }
  absl::Status status = FillMethod(flags, spec.GetReflection()->MutableMessage(&spec, field));
  if (!status.ok()) return status;
  spec.set_profile(flags.profile);
  if (flags.clip) spec.set_clip(*flags.clip);
  if (flags.propagate_non_finite) spec.set_non_finite(v1::NON_FINITE_POLICY_PROPAGATE);
  return spec;
}

}  // namespace normd::cli
