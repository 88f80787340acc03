#include "core/comparison/row_tokens.h"

#include "core/kernels/row_kernels.h"

namespace normd {

RowTokens RowTokens::For(absl::Span<const Normalizer> methods,
                         absl::Span<const int64_t> row_shape) {
  RowTokens result;
  result.steps_ = StepsOf(methods.front());
  result.channels_ = row_shape.back();
  for (const Normalizer& method : methods) {
    if (const auto* normalizer = std::get_if<ChannelNormalizer>(&method)) {
      result.channels_ = normalizer->channels();
      result.steps_ = normalizer->steps();
      result.per_step_ = normalizer->StepChannels();
      return result;
    }
  }
  result.per_step_ = {result.steps_.step_size / result.channels_, result.channels_, 1};
  return result;
}

ChunkTokens RowTokens::Read(ConstElements x, const Rows& rows,
                            absl::Span<const int64_t> sequence_ids, int64_t first_row,
                            absl::Span<const int64_t> valid_steps) {
  ChunkTokens result;
  // Where they may not vary, those that are told are another layout's.
  const Rows counted = steps_.may_vary ? rows : Rows(rows.count);
  const int64_t steps = steps_.TotalSteps(counted);
  result.tokens = {x, TokensOf(steps), channels_};
  if (per_step_.inner > 1) {
    Transpose(x, steps);
    result.tokens.data = {x.type, transposed_.data()};
  }
  padding_.clear();
  for (int64_t row = 0; row < rows.count; ++row) {
    TokenRun run{std::nullopt, TokensOf(steps_.StepsOf(counted, row))};
    if (!valid_steps.empty()) {
      const int64_t of_some = steps_.may_vary ? TokensOf(valid_steps[row]) : run.tokens;
      const int64_t valid = valid_steps[row] > 0 ? of_some : 0;
      padding_.resize(padding_.size() + valid, 0);
      padding_.resize(padding_.size() + run.tokens - valid, 1);
    }
    if (!sequence_ids.empty()) {
      run.sequence = sequence_ids[row];
    } else if (steps_.may_vary || steps_.steps > 1 || run.tokens > 1) {
      run.sequence = first_row + row;
    }
    const bool continues = !result.runs.empty() && result.runs.back().sequence == run.sequence;
    if (continues) {
      result.runs.back().tokens += run.tokens;
    } else {
      result.runs.push_back(run);
    }
  }
  if (!padding_.empty()) result.tokens.padding = padding_.data();
  if (!kernels::AllFinite(result.tokens.data, result.tokens.count * channels_)) {
    DropNonFinite(result);
  }
  return result;
}

void RowTokens::Transpose(ConstElements x, int64_t steps) {
  transposed_.resize(steps * per_step_.size() * SizeOf(x.type));
  VisitElementType(x.type, [&]<typename T>(ElementTag<T>) {
    const T* from = x.As<T>();
    T* to = reinterpret_cast<T*>(transposed_.data());
    const int64_t plane = per_step_.inner;
    for (int64_t outer = 0; outer < steps * per_step_.outer; ++outer) {
      for (int64_t i = 0; i < plane; ++i) {
        for (int64_t c = 0; c < channels_; ++c) to[i * channels_ + c] = from[c * plane + i];
      }
      from += plane * channels_;
      to += plane * channels_;
    }
  });
}

void RowTokens::DropNonFinite(ChunkTokens& chunk) {
  finite_.Clear();
  int64_t token = 0;
  for (TokenRun& run : chunk.runs) {
    const int64_t end = token + run.tokens;
    for (; token < end; ++token) {
      const Tokens one = chunk.tokens.Slice(token, 1);
      if (kernels::AllFinite(one.data, channels_)) {
        finite_.Add(one);
      } else {
        --run.tokens;
        ++chunk.non_finite;
      }
    }
  }
  chunk.tokens = finite_.count() > 0 ? finite_.Get() : chunk.tokens.Slice(0, 0);
}

}  // namespace normd
