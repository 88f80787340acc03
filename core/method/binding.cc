#include "core/method/binding.h"

#include <functional>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "core/error/error.h"

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

}  // namespace

absl::Status CheckRowShape(absl::Span<const int64_t> row_shape) {
  const absl::StatusOr<int64_t> count = ElementCount(row_shape);
  return count.ok() ? absl::OkStatus() : InvalidFieldError("row_shape", count.status().message());
}

absl::StatusOr<absl::Span<const int64_t>> TrailingDimensions(const NormalizationSpec& spec,
                                                             absl::Span<const int64_t> row_shape) {
  NORMD_RETURN_IF_ERROR(CheckRowShape(row_shape));
  const auto rank = static_cast<size_t>(*spec.normalized_rank);
  if (rank > row_shape.size()) {
    return InvalidFieldError("normalized_rank",
                             absl::StrCat("is ", rank, ", but rows of shape ", ToString(row_shape),
                                          " have ", row_shape.size(), " dimensions"));
  }
  NORMD_RETURN_IF_ERROR(CheckAffine(spec, row_shape.last(rank)));
  return row_shape.last(rank);
}

absl::StatusOr<ChannelLayout> ChannelsOf(const NormalizationSpec& spec,
                                         absl::Span<const int64_t> row_shape) {
  NORMD_RETURN_IF_ERROR(CheckRowShape(row_shape));
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
  NORMD_RETURN_IF_ERROR(CheckAffine(spec, {row_shape[place]}));
  return ChannelLayout{Product(row_shape.first(place)), row_shape[place],
                       Product(row_shape.subspan(place + 1))};
}

int64_t Product(absl::Span<const int64_t> dimensions) {
  return std::accumulate(dimensions.begin(), dimensions.end(), int64_t{1}, std::multiplies<>());
}

const double* ValuesOrNull(const std::optional<AffineParameter>& parameter) {
  return parameter ? parameter->values.data() : nullptr;
}

absl::Status NotFiniteError() {
  return InvalidFieldError("data",
                           "holds NaN or infinity: clean it, or ask for PROPAGATE, which lets such "
                           "values through and keeps their rows out of the statistics");
}

}  // namespace normd
