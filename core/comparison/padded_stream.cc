#include "core/comparison/padded_stream.h"

#include <optional>

namespace normd {

PaddedStream::PaddedStream(const ComparisonPlan& plan, absl::Span<const ComparedMethod> methods,
                           int64_t channels)
    : cells_(plan, true, methods, channels),
      sample_(plan.seed, plan.sample_bytes),
      whole_(channels),
      scratch_(channels) {}

void PaddedStream::Add(const Tokens& chunk) {
  cells_.Train(chunk);
  sample_.Add(chunk, std::nullopt);
  sample_.EndChunk();
  scratch_.Compute(chunk.data, chunk.layout());
  whole_.Merge(scratch_);
}

void PaddedStream::AddAgain(const Tokens& chunk) {
  if (tokens_again_ == 0) cells_.FinishTraining(whole_);
  tokens_again_ += chunk.count;
  cells_.Infer(chunk);
}

void PaddedStream::Finish(StopRequest& stop, std::vector<CellReport>& cells) {
  bool is_whole = static_cast<double>(tokens_again_) == whole_.count;
  if (tokens_again_ == 0) {
    sample_.Finish();
    is_whole = sample_.is_complete();
    cells_.FinishTraining(whole_);
    cells_.InferFrom(sample_, stop);
  }
  cells_.AddResults(!is_whole, stop, cells);
}

}  // namespace normd
