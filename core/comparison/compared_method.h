// A method as a comparison of tokens sees it.
#ifndef NORMD_CORE_COMPARISON_COMPARED_METHOD_H_
#define NORMD_CORE_COMPARISON_COMPARED_METHOD_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/comparison/tokens.h"
#include "core/method/normalizer.h"

namespace normd {

// Bound to single tokens. Immutable.
class ComparedMethod {
 public:
  // Of a normalizer of rows whose steps fall into tokens like that. INVALID_ARGUMENT (field
  // "specs") where its channels are others.
  static absl::StatusOr<ComparedMethod> Create(const Normalizer& rows,
                                               absl::Span<const int64_t> row_shape,
                                               const ChannelLayout& per_step);

  const NormalizationSpec& spec() const { return spec_; }

  // Null where statistics do not lie across tokens.
  const ChannelNormalizer* channels() const;
  // Whether its running statistics are mean and variance.
  bool keeps_moments() const;
  // Whether it can be told what one token comes out as: not where statistics lie across the tokens
  // of a row.
  bool takes_tokens() const { return by_token_.has_value(); }

  // Of a batch, for methods with channels(): of the kind that the estimator takes.
  BatchStatistics StatisticsOf(const Tokens& batch) const;

  // The tokens as in inference by coefficients, or, without any, as the method has them.
  void Apply(const ChannelCoefficients* coefficients, const Tokens& tokens, double* outputs) const;

 private:
  ComparedMethod() = default;

  NormalizationSpec spec_;
  std::optional<Normalizer> by_token_;
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_COMPARED_METHOD_H_
