// Rows as tokens.
#ifndef NORMD_CORE_COMPARISON_ROW_TOKENS_H_
#define NORMD_CORE_COMPARISON_ROW_TOKENS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "core/comparison/token_buffer.h"
#include "core/comparison/tokens.h"
#include "core/method/normalizer.h"
#include "core/tensor/rows.h"

namespace normd {

// Tokens of a chunk that follow one another in one sequence.
struct TokenRun {
  std::optional<int64_t> sequence;
  int64_t tokens = 0;
};

struct ChunkTokens {
  Tokens tokens;  // all finite
  std::vector<TokenRun> runs;
  int64_t non_finite = 0;  // tokens that were left out
};

// Tells tokens and sequences as proto/normd/v1/report.proto has them. Not thread-safe.
class RowTokens {
 public:
  // By the channels of the first method that has any, or else a row's last dimension.
  static RowTokens For(absl::Span<const Normalizer> methods, absl::Span<const int64_t> row_shape);

  int64_t channels() const { return channels_; }
  // How a step falls into tokens: one for each `outer` and `inner`.
  const ChannelLayout& per_step() const { return per_step_; }

  // The tokens of `rows`, and where they belong: to `sequence_ids`, one a row, or to sequences
  // numbered from `first_row` on, where rows have several tokens. After so many `valid_steps` of
  // each row there is padding; empty: there is none. Where a row's steps may not vary it is valid,
  // or padding, as a whole, and those of `rows` are not looked at. Valid until the next call, and
  // as long as `x` is.
  ChunkTokens Read(ConstElements x, const Rows& rows, absl::Span<const int64_t> sequence_ids,
                   int64_t first_row, absl::Span<const int64_t> valid_steps = {});

 private:
  RowTokens() = default;

  // Tokens of a row of so many steps.
  int64_t TokensOf(int64_t steps) const { return steps * per_step_.values_per_channel(); }
  void Transpose(ConstElements x, int64_t steps);
  void DropNonFinite(ChunkTokens& chunk);

  StepLayout steps_;
  ChannelLayout per_step_;
  int64_t channels_ = 1;
  std::vector<char> transposed_;
  std::vector<char> padding_;
  TokenBuffer finite_;
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_ROW_TOKENS_H_
