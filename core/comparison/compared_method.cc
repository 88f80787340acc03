#include "core/comparison/compared_method.h"

#include "absl/strings/str_cat.h"
#include "core/error/error.h"

namespace normd {
namespace {

// Whether a row-local method does the same with each token of a row as with a row of one token.
bool IsLocalToTokens(const NormalizationSpec& spec, absl::Span<const int64_t> row_shape,
                     const ChannelLayout& per_step) {
  if (row_shape.size() == 1) return true;
  return per_step.inner == 1 && row_shape.back() == per_step.channels &&
         spec.normalized_rank.value_or(0) == 1;
}

}  // namespace

absl::StatusOr<ComparedMethod> ComparedMethod::Create(const Normalizer& rows,
                                                      absl::Span<const int64_t> row_shape,
                                                      const ChannelLayout& per_step) {
  ComparedMethod result;
  result.spec_ = SpecOf(rows);
  NormalizationSpec spec = result.spec_;
  spec.non_finite = NonFinitePolicy::kPropagate;  // what comes is finite
  if (const auto* normalizer = std::get_if<ChannelNormalizer>(&rows)) {
    const ChannelLayout& own = normalizer->StepChannels();
    if (own.outer != per_step.outer || own.channels != per_step.channels ||
        own.inner != per_step.inner) {
      return InvalidFieldError(
          "specs", absl::StrCat("have channels on different axes, of ", own.channels, " and ",
                                per_step.channels, " values: a report needs the same for all"));
    }
    spec.channel_axis = -1;
  } else if (!IsLocalToTokens(spec, row_shape, per_step)) {
    return result;
  }
  absl::StatusOr<Normalizer> by_token = CreateNormalizer(spec, {per_step.channels});
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

BatchStatistics ComparedMethod::StatisticsOf(const Tokens& batch) const {
  BatchStatistics statistics = EmptyBatchStatistics(*spec_.estimator, channels()->channels());
  Compute(batch.data, batch.layout(), statistics);
  return statistics;
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
