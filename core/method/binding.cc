#include "core/method/binding.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"
#include "core/kernels/narrow_coefficients.h"
#include "core/kernels/row_kernels.h"

namespace normd {
namespace {

absl::Status CheckAffine(const NormalizationSpec& spec, absl::Span<const int64_t> expected) {
  for (const auto& [parameter, field] :
       {std::pair(&spec.gamma, "affine.gamma"), std::pair(&spec.beta, "affine.beta")}) {
    if (!parameter->has_value() || absl::MakeConstSpan((*parameter)->shape) == expected) continue;
    return InvalidFieldError(field, absl::StrCat("has shape ", ToString((*parameter)->shape),
                                                 ", but the row needs ", ToString(expected)));
  }
  return absl::OkStatus();
}

// Rounded to float32; none where a value does not fit.
template <typename Fits>
std::vector<float> NarrowOrNone(const std::optional<AffineParameter>& parameter, const Fits& fits) {
  if (!parameter) return {};
  const std::vector<double>& values = parameter->values;
  if (!std::all_of(values.begin(), values.end(), fits)) return {};
  return {values.begin(), values.end()};
}

}  // namespace

absl::StatusOr<StepLayout> StepsOf(absl::Span<const int64_t> row_shape) {
  const bool varies = row_shape.size() > 1 && row_shape[0] == -1;
  const absl::StatusOr<int64_t> count = ElementCount(varies ? row_shape.subspan(1) : row_shape);
  if (!count.ok()) return InvalidFieldError("row_shape", count.status().message());
  if (row_shape.size() >= kMaxRank) {
    return InvalidFieldError("row_shape",
                             absl::StrCat("has ", row_shape.size(),
                                          " dimensions; with the batch's there may be ", kMaxRank));
  }
  if (row_shape.size() == 1) return StepLayout{1, *count, false};
  const int64_t steps = varies ? 0 : row_shape[0];
  return StepLayout{steps, varies ? *count : *count / steps, true};
}

absl::StatusOr<absl::Span<const int64_t>> TrailingDimensions(const NormalizationSpec& spec,
                                                             absl::Span<const int64_t> row_shape) {
  const absl::StatusOr<StepLayout> steps = StepsOf(row_shape);
  if (!steps.ok()) return steps.status();
  const auto rank = static_cast<size_t>(*spec.normalized_rank);
  if (rank > row_shape.size()) {
    return InvalidFieldError("normalized_rank",
                             absl::StrCat("is ", rank, ", but rows of shape ", ToString(row_shape),
                                          " have ", row_shape.size(), " dimensions"));
  }
  NORMD_RETURN_IF_ERROR(CheckAffine(spec, row_shape.last(rank)));
  return row_shape.last(rank);
}

absl::StatusOr<ChannelBinding> BindChannels(const NormalizationSpec& spec,
                                            absl::Span<const int64_t> row_shape) {
  const absl::StatusOr<StepLayout> steps = StepsOf(row_shape);
  if (!steps.ok()) return steps.status();
  const auto batch_rank = static_cast<int64_t>(row_shape.size()) + 1;
  const int64_t axis =
      *spec.channel_axis < 0 ? *spec.channel_axis + batch_rank : *spec.channel_axis;
  if (axis < 1 || axis >= batch_rank) {
    return InvalidFieldError(
        "channel_axis", absl::StrCat("is ", *spec.channel_axis, ", but batches of rows of shape ",
                                     ToString(row_shape), " have axes 1 to ", batch_rank - 1,
                                     " besides the batch"));
  }
  const auto place = static_cast<size_t>(axis - 1);
  const int64_t channels = row_shape[place];
  if (channels < 0) {
    return InvalidFieldError("channel_axis",
                             absl::StrCat("is ", *spec.channel_axis, ", the dimension of rows of ",
                                          "shape ", ToString(row_shape), " that varies"));
  }
  NORMD_RETURN_IF_ERROR(CheckAffine(spec, {channels}));
  const int64_t inner = Product(row_shape.subspan(place + 1));
  if (place > 0) {
    return ChannelBinding{*steps, {Product(row_shape.subspan(1, place - 1)), channels, inner}};
  }
  return ChannelBinding{{1, channels * inner, false}, {1, channels, inner}};
}

int64_t Product(absl::Span<const int64_t> dimensions) {
  return std::accumulate(dimensions.begin(), dimensions.end(), int64_t{1}, std::multiplies<>());
}

const double* ValuesOrNull(const std::optional<AffineParameter>& parameter) {
  return parameter ? parameter->values.data() : nullptr;
}

RowAffine::RowAffine(const NormalizationSpec& spec)
    : narrow_gamma_(NarrowOrNone(spec.gamma,
                                 [](double v) { return kernels::NarrowCoefficients::Fit(0, v); })),
      narrow_beta_(NarrowOrNone(spec.beta,
                                [](double v) { return kernels::NarrowCoefficients::Fit(v, 0); })) {}

void RowAffine::SetIn(const NormalizationSpec& spec, kernels::RowNorm& norm) const {
  norm.gamma = ValuesOrNull(spec.gamma);
  norm.beta = ValuesOrNull(spec.beta);
  norm.narrow_gamma = narrow_gamma_.empty() ? nullptr : narrow_gamma_.data();
  norm.narrow_beta = narrow_beta_.empty() ? nullptr : narrow_beta_.data();
}

absl::Status CheckFinite(const NormalizationSpec& spec, bool finite) {
  if (finite || spec.non_finite == NonFinitePolicy::kPropagate) return absl::OkStatus();
  return InvalidFieldError("data",
                           "holds NaN or infinity (or float64 beyond 2^480): clean it, or ask for "
                           "PROPAGATE, which lets such values through and keeps their rows out of "
                           "the statistics");
}

void FinishOutput(const NormalizationSpec& spec, bool finite, Elements y, int64_t size) {
  if (!finite) kernels::CanonicalizeNans(y, size);
  if (spec.clip) kernels::Clip(y, size, *spec.clip);
}

}  // namespace normd
