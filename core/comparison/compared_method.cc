#include "core/comparison/compared_method.h"

#include "absl/strings/str_cat.h"
#include "core/error/error.h"

namespace normd {
namespace {

// Whether a row-local method does the same with each token of a row as with a row of one token.
bool IsLocalToTokens(const NormalizationSpec& spec, absl::Span<const int64_t> row_shape,
                     int64_t channels) {
  if (row_shape.size() == 1) return true;
  return row_shape.back() == channels && spec.normalized_rank.value_or(0) == 1;
}

}  // namespace

absl::StatusOr<ComparedMethod> ComparedMethod::Create(const Normalizer& rows,
                                                      absl::Span<const int64_t> row_shape,
                                                      int64_t channels) {
  ComparedMethod result;
  result.spec_ = SpecOf(rows);
  NormalizationSpec spec = result.spec_;
  spec.non_finite = NonFinitePolicy::kPropagate;  // what comes is finite
  if (const auto* normalizer = std::get_if<ChannelNormalizer>(&rows)) {
    if (normalizer->channels() != channels) {
      return InvalidFieldError("specs",
                               absl::StrCat("normalize ", normalizer->channels(), " and ", channels,
                                            " channels: a report needs the same for all"));
    }
    spec.channel_axis = -1;
  } else if (!IsLocalToTokens(spec, row_shape, channels)) {
    return result;
  }
  absl::StatusOr<Normalizer> by_token = CreateNormalizer(spec, {channels});
  if (!by_token.ok()) return by_token.status();
  result.by_token_ = *std::move(by_token);
  return result;
}

const ChannelNormalizer* ComparedMethod::channels() const {
  return by_token_ ? std::get_if<ChannelNormalizer>(&*by_token_) : nullptr;
}

bool ComparedMethod::keeps_moments() const {
  return channels() != nullptr && !std::holds_alternative<RunningExtremes>(*spec_.estimator);
}

void ComparedMethod::Apply(const ChannelCoefficients* coefficients, const Tokens& tokens,
                           double* outputs) const {
  if (const ChannelNormalizer* normalizer = channels()) {
    normalizer->Apply(*coefficients, Direction::kForward, tokens.data, tokens.count, outputs);
  } else {
    Normalize(*by_token_, tokens.data, tokens.count, outputs).IgnoreError();  // all is finite
  }
}

}  // namespace normd
