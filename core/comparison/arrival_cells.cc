#include "core/comparison/arrival_cells.h"

namespace normd {

ArrivalCells::ArrivalCells(const ComparisonPlan& plan, bool with_padding,
                           absl::Span<const ComparedMethod> methods, int64_t channels) {
  for (const int64_t size : plan.batch_sizes) {
    cells_.emplace_back(BatchOrder::kArrival, size, with_padding, methods, channels);
  }
}

void ArrivalCells::Train(const Tokens& chunk) {
  for (Cell& cell : cells_) {
    cell.Train(chunk);
    cell.EndTrainingChunk();
  }
}

void ArrivalCells::FinishTraining(const Moments& whole) {
  for (Cell& cell : cells_) cell.FinishTraining(whole);
}

void ArrivalCells::Infer(const Tokens& chunk) {
  for (Cell& cell : cells_) {
    cell.Infer(chunk);
    cell.EndInferenceChunk();
  }
}

void ArrivalCells::InferFrom(const TokenSample& sample, StopRequest& stop) {
  for (Cell& cell : cells_) {
    if (stop.IsMade()) return;
    // Of a part of the stream, chunks are none.
    if (!sample.is_complete() && cell.batch_size() == 0) cell.InferInUsualBatches();
    sample.ForEachInOrder(
        [&](const Tokens& tokens) {
          if (!stop.IsMadeBefore(tokens.count)) cell.Infer(tokens);
        },
        [&] { cell.EndInferenceChunk(); });
  }
}

void ArrivalCells::AddResults(bool from_sample, StopRequest& stop,
                              std::vector<CellReport>& results) const {
  for (const Cell& cell : cells_) {
    if (stop.IsMade()) return;
    results.push_back(cell.Result(stop));
    results.back().from_sample = from_sample;
  }
}

}  // namespace normd
