// One batch size in one order of tokens, for all methods: what training in such batches comes to,
// and how far its outputs are from inference. See proto/normd/v1/report.proto, message Cell.
#ifndef NORMD_CORE_COMPARISON_CELL_H_
#define NORMD_CORE_COMPARISON_CELL_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "core/comparison/batch_cutter.h"
#include "core/comparison/batch_order.h"
#include "core/comparison/cold_start.h"
#include "core/comparison/compared_method.h"
#include "core/comparison/density.h"
#include "core/comparison/discrepancies.h"
#include "core/comparison/estimate.h"
#include "core/comparison/gap_quantiles.h"
#include "core/comparison/stop_request.h"

namespace normd {

struct GapSummary {
  double p50 = 0;
  double p99 = 0;
  double largest = 0;
  Estimate overall;
};

struct CellMethod {
  std::optional<Discrepancies> discrepancies;
  std::optional<GapSummary> output_gap;
  std::optional<Estimate> co_batch_sensitivity;
};

struct CellReport {
  BatchOrder order = BatchOrder::kArrival;
  int64_t batch_size = 0;
  bool with_padding = false;
  int64_t batches = 0;
  double mean_batch_size = 0;
  int64_t usual_batch_size = 0;  // their median, of at most 64
  bool from_sample = false;
  int64_t batches_with_outputs = 0;
  std::optional<double> effective_batch_size;
  std::vector<CellMethod> methods;
};

// How far y, a method's outputs for tokens, is from y', the reference. Padding is left out, and
// tokens whose outputs are too large to be squared. A value.
class TokenGaps {
 public:
  void Add(const double* y, const double* reference, const Tokens& tokens);
  void EndBatch();

  // Absent where nothing entered.
  std::optional<GapSummary> Result() const;

 private:
  GapQuantiles quantiles_;
  BlockMeans difference_squares_;  // of batches
  BlockMeans reference_squares_;
  double open_differences_ = 0;  // of the batch so far
  double open_references_ = 0;
  bool has_open_ = false;
};

// All tokens are added twice: for training, and, once that is finished, for inference.
class Cell {
 public:
  // `methods` must outlive it.
  Cell(BatchOrder order, int64_t batch_size, bool with_padding,
       absl::Span<const ComparedMethod> methods, int64_t channels);

  // Before anything is added: what is measured in some cells only.
  void CountOutputs() { densities_.resize(2 * methods_.size()); }
  void WatchColdStart() { watches_cold_start_ = true; }

  int64_t batch_size() const { return report_.batch_size; }

  void Train(const Tokens& tokens);
  // A sequence or a position ends.
  void EndTrainingGroup();
  // A chunk does: a batch only where batches are as they come.
  void EndTrainingChunk() {
    if (batch_size() == 0) EndTrainingGroup();
  }

  // `whole`, the moments of all tokens, must outlive it.
  void FinishTraining(const Moments& whole);
  int64_t batches() const { return batches_; }
  // Batches of the usual size are cut from then on, where they are as they come.
  void InferInUsualBatches();

  void Infer(const Tokens& tokens);
  void EndInferenceGroup();
  void EndInferenceChunk() {
    if (batch_size() == 0) EndInferenceGroup();
  }

  // Whatever, where a stop is asked for.
  CellReport Result(StopRequest& stop) const;
  // See MethodReport; absent unless watched.
  std::optional<ColdStartTime> ColdStartOf(size_t method) const;
  // Of each method, training and then inference.
  const std::vector<Density>& densities() const { return densities_; }

 private:
  struct Method {
    const ComparedMethod* compared = nullptr;
    std::optional<RunningStatistics> trained;
    std::optional<RunningDiscrepancies> discrepancies;
    ColdStartSnapshots cold_start;
    std::optional<ChannelCoefficients> inference;
    TokenGaps gaps;
  };

  int64_t UsualBatchSize() const;
  std::optional<double> EffectiveBatchSize(const std::vector<double>& variance) const;
  void TrainOn(const Tokens& batch);
  void InferOn(const Tokens& batch);
  bool TakesBatch(const Method& method, const Tokens& batch) const;
  BatchStatistics StatisticsOf(const Method& method, const Tokens& batch) const;
  void AddOutputs(const ChannelCoefficients* training, const Tokens& tokens, size_t method);

  CellReport report_;
  int64_t channels_;
  std::vector<Method> methods_;
  BatchCutter training_;
  BatchCutter inference_;
  bool watches_cold_start_ = false;
  int64_t batches_ = 0;
  int64_t batches_with_outputs_ = 0;
  double tokens_ = 0;
  EvenlySpaced<double> sizes_;
  Moments means_;  // of the batches' means
  const Moments* whole_ = nullptr;
  std::optional<FinalDiscrepancies> final_;
  std::vector<Density> densities_;
  std::vector<double> zeros_;
  Moments batch_;  // scratch, as what follows
  std::vector<double> y_, reference_;
};

}  // namespace normd

#endif  // NORMD_CORE_COMPARISON_CELL_H_
