#include "client/cli/spec_flags.h"

#include "absl/strings/str_cat.h"
#include "client/cli/npy.h"

namespace normd::cli {
namespace {

absl::Status DoesNotApply(const char* flag, const std::string& to) {
  return absl::InvalidArgumentError(absl::StrCat(flag, " does not apply to ", to));
}

absl::Status ReadTensor(const std::string& path, v1::Tensor* tensor) {
  const absl::StatusOr<Array> array = ReadNpy(path);
  if (!array.ok()) return array.status();
  tensor->set_element_type(v1::ELEMENT_TYPE_FLOAT32);
  tensor->mutable_shape()->Assign(array->shape.begin(), array->shape.end());
  tensor->set_data(array->values.data(), array->values.size() * sizeof(float));
  return absl::OkStatus();
}

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
    estimator->mutable_cumulative_batch()->set_unbiased(!flags.biased);
  } else if (kind == "token-ema") {
    v1::TokenEma* token = estimator->mutable_token_ema();
    if (flags.alpha) token->set_alpha(*flags.alpha);
  } else {
    v1::BatchEma* batch = estimator->mutable_batch_ema();
    if (flags.momentum) batch->set_momentum(*flags.momentum);
    if (flags.old_weight) batch->set_convention(v1::BatchEma::CONVENTION_OLD_WEIGHT);
    batch->set_unbiased(!flags.biased);
  }
  return absl::OkStatus();
}

// Which parameters a method has, its message's type tells.
template <typename Message>
absl::Status Fill(const SpecFlags& flags, Message* message) {
  if constexpr (requires { message->channel_axis(); }) {
    if (flags.channel_axis) message->set_channel_axis(*flags.channel_axis);
  } else if (flags.channel_axis) {
    return DoesNotApply("--channel-axis", flags.method);
  }
  if constexpr (requires { message->normalized_rank(); }) {
    if (flags.normalized_rank) message->set_normalized_rank(*flags.normalized_rank);
  } else if (flags.normalized_rank) {
    return DoesNotApply("--normalized-rank", flags.method);
  }
  if constexpr (requires { message->estimator(); }) {
    absl::Status status = FillEstimator(flags, message->mutable_estimator());
    if (!status.ok()) return status;
  } else if (!flags.estimator.empty() || flags.momentum || flags.old_weight || flags.biased ||
             flags.alpha) {
    return DoesNotApply("an estimator", flags.method);
  }
  if (flags.epsilon) message->mutable_epsilon()->set_value(*flags.epsilon);
  if (!flags.gamma_file.empty()) {
    absl::Status status = ReadTensor(flags.gamma_file, message->mutable_affine()->mutable_gamma());
    if (!status.ok()) return status;
  }
  if (flags.beta_file.empty()) return absl::OkStatus();
  return ReadTensor(flags.beta_file, message->mutable_affine()->mutable_beta());
}

}  // namespace

void SpecFlags::AddTo(CLI::App& command) {
  command.add_option("--method", method, "The method; see `normctl methods`")
      ->check(CLI::IsMember({"batch_norm", "layer_norm", "rms_norm"}));
  command.add_option("--epsilon", epsilon, "Keeps the division finite; default: the method's");
  command.add_option("--channel-axis", channel_axis, "batch_norm: axis within [N, row...]");
  command.add_option("--normalized-rank", normalized_rank,
                     "layer_norm, rms_norm: trailing dimensions that share statistics");
  command.add_option("--gamma", gamma_file, "Scale, a .npy file");
  command.add_option("--beta", beta_file, "Shift, a .npy file");
  command.add_option("--estimator", estimator, "batch_norm: how running statistics are kept")
      ->check(CLI::IsMember({"cumulative", "cumulative-batch", "batch-ema", "token-ema"}));
  command.add_option("--momentum", momentum, "batch-ema: the weight of a new batch");
  command.add_flag("--old-weight", old_weight, "--momentum weighs the old average, as in Keras");
  command.add_flag("--biased", biased, "Average batch variances without Bessel's correction");
  command.add_option("--alpha", alpha, "token-ema: the weight of a new token");
  command.add_flag("--propagate-non-finite", propagate_non_finite,
                   "Let NaN and infinity through instead of refusing their chunk");
}

absl::StatusOr<v1::NormalizationSpec> ToSpec(const SpecFlags& flags) {
  v1::NormalizationSpec spec;
  absl::Status status;
  if (flags.method == "batch_norm") {
    status = Fill(flags, spec.mutable_batch_norm());
  } else if (flags.method == "layer_norm") {
    status = Fill(flags, spec.mutable_layer_norm());
  } else if (flags.method == "rms_norm") {
    status = Fill(flags, spec.mutable_rms_norm());
  } else {
    status = absl::InvalidArgumentError("--method is needed; `normctl methods` lists them");
  }
  if (!status.ok()) return status;
  if (flags.propagate_non_finite) spec.set_non_finite(v1::NON_FINITE_POLICY_PROPAGATE);
  return spec;
}

}  // namespace normd::cli
