// One method over a stream of chunks: what its outputs as in training, by the chunk alone, have to
// do with those as in inference. See proto/normd/v1/comparison.proto, which defines every figure.
#ifndef NORMD_CORE_COMPARISON_METHOD_COMPARISON_H_
#define NORMD_CORE_COMPARISON_METHOD_COMPARISON_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "core/comparison/cold_start.h"
#include "core/comparison/measurements.h"
#include "core/method/normalizer.h"
#include "core/statistics/running_statistics.h"
#include "core/tensor/element_type.h"
#include "core/tensor/rows.h"

namespace normd {

// What a method made of one chunk. Reused from chunk to chunk, and from method to method.
struct ChunkOutputs {
  std::vector<char> inference;  // of the rows' size, of the type of outputs
  std::vector<char> training;   // the same; empty where it is no other, or TRAINING would refuse
};

struct MethodSummary {
  Measurements measurements;
  uint64_t chunks_refused_by_training = 0;
  std::vector<ColdStart> cold_start;
  std::optional<StatisticsSnapshot> statistics;
};

// Not thread-safe. Holds running statistics and snapshots of them (see ColdStartSnapshots), and
// nothing else that grows.
class MethodComparison {
 public:
  MethodComparison(Normalizer normalizer, ElementType output_type);

  const NormalizationSpec& spec() const { return SpecOf(normalizer_); }
  const StepLayout& steps() const { return StepsOf(normalizer_); }

  // INVALID_ARGUMENT (field "data") for NaN or infinity under REJECT. Touches nothing, so that a
  // chunk can be refused before it enters any of several methods.
  absl::Status Check(ConstElements x, const Rows& rows) const;

  // Measures a chunk that passed Check, of any size, 0 among them.
  //
  // A method with running statistics is measured against those before the chunk, then folds it in
  // as one batch, and its inference output is by those after it. Where the estimator averages batch
  // variances, a single value per channel does not enter, as TRAINING would refuse it: `values` is
  // then 0. Before the first value, statistics are mean 0 and variance 1. The deviation's noise
  // floor is absent where it is infinite: for 2 values per channel before the chunk.
  //
  // A method without is measured between the chunk as one batch and each row by itself.
  Measurements Measure(ConstElements x, const Rows& rows, ChunkOutputs& outputs);

  // Over all chunks measured.
  MethodSummary Summarize() const;

 private:
  Measurements MeasureChannels(const ChannelNormalizer& normalizer, ConstElements x,
                               const Rows& rows, ChunkOutputs& outputs);
  Measurements MeasureRows(ConstElements x, const Rows& rows, ChunkOutputs& outputs) const;
  void MeasureDiscrepancy(const Moments& chunk, Measurements& result) const;

  Normalizer normalizer_;
  ElementType output_type_;
  std::optional<RunningStatistics> statistics_;  // of a ChannelNormalizer
  BatchStatistics batch_ = Moments(0);           // scratch
  ColdStartSnapshots cold_start_;
  StreamMeasurements stream_;
  uint64_t refused_by_training_ = 0;
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_METHOD_COMPARISON_H_
