#include "core/comparison/stream_comparison.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/comparison/co_batch.h"
#include "core/comparison/verdict.h"
#include "core/error/error.h"

namespace normd {
namespace {

// Batches whose outputs are drawn.
constexpr int64_t kDrawnSizes[] = {2, 128};
constexpr int64_t kDrawnMates[] = {2, 8, 32, 128};
constexpr int kDrawnBatches = 24;
constexpr size_t kDrawnChannels = 32;

// Tokens that are put among other mates, and how often.
constexpr size_t kProbes = 64;
constexpr int kCoBatches = 8;

bool IsDrawn(int64_t batch_size) {
  return std::find(std::begin(kDrawnSizes), std::end(kDrawnSizes), batch_size) !=
         std::end(kDrawnSizes);
}

int64_t StateBytes(const ComparedMethod& method) {
  if (method.channels() == nullptr) return 0;
  return 2 * method.channels()->channels() * static_cast<int64_t>(sizeof(double));
}

}  // namespace

absl::StatusOr<std::unique_ptr<StreamComparison>> StreamComparison::Create(
    ComparisonPlan plan, absl::Span<const Normalizer> methods, absl::Span<const int64_t> row_shape,
    Clock clock) {
  NORMD_RETURN_IF_ERROR(PrefixField("plan", Complete(plan)));
  const ChannelLayout per_step = RowTokens::For(methods, row_shape).per_step();
  std::vector<ComparedMethod> compared;
  for (const Normalizer& method : methods) {
    absl::StatusOr<ComparedMethod> by_token = ComparedMethod::Create(method, row_shape, per_step);
    if (!by_token.ok()) return by_token.status();
    compared.push_back(*std::move(by_token));
  }
  return std::unique_ptr<StreamComparison>(
      new StreamComparison(std::move(plan), std::move(compared), per_step.channels, clock));
}

StreamComparison::StreamComparison(ComparisonPlan plan, std::vector<ComparedMethod> methods,
                                   int64_t channels, Clock clock)
    : plan_(std::move(plan)),
      methods_(std::move(methods)),
      channels_(channels),
      clock_(clock),
      segments_(channels),
      sample_(plan_.seed, plan_.sample_bytes),
      by_sequence_(channels),
      padding_(methods_),
      sequence_(channels),
      whole_(channels),
      scratch_(channels) {
  for (const int64_t size : plan_.batch_sizes) {
    Cell& cell = cells_.emplace_back(MakeCell(BatchOrder::kArrival, size, false));
    if (IsDrawn(size)) cell.CountOutputs();
    if (size == plan_.batch_size_in_use.value_or(0)) cell.WatchColdStart();
  }
}

Cell StreamComparison::MakeCell(BatchOrder order, int64_t batch_size, bool with_padding) const {
  return Cell(order, batch_size, with_padding, methods_, channels_);
}

void StreamComparison::Add(const ChunkTokens& valid, const ChunkTokens* with_padding) {
  tokens_ += valid.tokens.count;
  non_finite_tokens_ += valid.non_finite;
  segments_.Add(valid.tokens);
  scales_.Add(valid.tokens);
  for (Cell& cell : cells_) {
    cell.Train(valid.tokens);
    cell.EndTrainingChunk();
  }
  AddSequences(valid);
  if (with_padding == nullptr && padded_cells_.empty()) return;
  if (with_padding != nullptr) {
    padded_tokens_ += with_padding->tokens.count - valid.tokens.count;
    padding_.Add(valid.tokens, with_padding->tokens);
  }
  if (padded_cells_.empty()) {
    for (const int64_t size : plan_.batch_sizes) {
      padded_cells_.push_back(MakeCell(BatchOrder::kArrival, size, true));
    }
  }
  for (Cell& cell : padded_cells_) {
    cell.Train(with_padding != nullptr ? with_padding->tokens : valid.tokens);
    cell.EndTrainingChunk();
  }
}

void StreamComparison::AddSequences(const ChunkTokens& chunk) {
  int64_t begin = 0;
  for (const TokenRun& run : chunk.runs) {
    const Tokens tokens = chunk.tokens.Slice(begin, run.tokens);
    begin += run.tokens;
    if (tokens.count == 0) continue;
    sample_.Add(tokens, run.sequence);
    if (run.sequence != open_sequence_) EndSequence();
    if (!run.sequence) continue;
    open_sequence_ = run.sequence;
    scratch_.Compute(tokens.data, tokens.layout());
    sequence_.Merge(scratch_);
  }
  sample_.EndChunk();
}

void StreamComparison::EndSequence() {
  if (sequence_.count > 0) {
    by_sequence_.Add(sequence_);
    ++sequences_;
  }
  sequence_ = Moments(channels_);
  open_sequence_.reset();
}

void StreamComparison::EndFirstPass() {
  EndSequence();
  sample_.Finish();
  whole_ = segments_.All();
  if (sample_.has_sequences()) LeaveOutConstantPositions();
  for (Cell& cell : cells_) cell.FinishTraining(whole_);
  first_pass_ended_ = true;
}

void StreamComparison::AddAgain(const ChunkTokens& valid) {
  if (!first_pass_ended_) EndFirstPass();
  tokens_again_ += valid.tokens.count;
  for (Cell& cell : cells_) {
    cell.Infer(valid.tokens);
    cell.EndInferenceChunk();
  }
}

void StreamComparison::InferFromSample() {
  for (Cell& cell : cells_) {
    // Of a part of the stream, chunks are none.
    if (!sample_.is_complete() && cell.batch_size() == 0) cell.InferInUsualBatches();
    sample_.ForEach(
        BatchOrder::kArrival, plan_.seed, [&](const Tokens& tokens) { cell.Infer(tokens); },
        [&] { cell.EndInferenceChunk(); });
  }
}

ComparisonReport StreamComparison::Finish() {
  ComparisonReport report;
  const bool from_sample = !first_pass_ended_;
  if (from_sample) {
    EndFirstPass();
    InferFromSample();
  }
  // Of a second pass that was not the same, what came is a sample too.
  const bool is_whole = from_sample ? sample_.is_complete() : tokens_again_ == tokens_;
  report.plan = plan_;
  report.tokens = tokens_;
  report.sequences = sequences_;
  report.padded_tokens = padded_tokens_;
  report.non_finite_tokens = non_finite_tokens_;
  report.sampled_tokens = sample_.tokens();
  if (tokens_ == 0) {
    report.methods.resize(methods_.size());
    report.verdict = VerdictOf(report, methods_);
    return report;
  }
  for (const Cell& cell : cells_) {
    report.cells.push_back(cell.Result());
    report.cells.back().from_sample = !is_whole;
  }
  for (Cell& cell : padded_cells_) {
    cell.FinishTraining(whole_);
    report.cells.push_back(cell.Result());
  }
  MeasureCoBatches(report);
  for (const BatchOrder order : plan_.orders) {
    if (order != BatchOrder::kArrival) MeasureOrder(order, report);
  }
  report.variance_split = scales_.Result(whole_);
  report.by_sequence = by_sequence_.Result();
  if (sample_.has_sequences()) MeasurePositions(report);
  MeasureShapes(report);
  report.drift = DriftOf(segments_, plan_.seed);
  report.padding = padding_.Effect(whole_);
  if (report.padding) {
    const auto padded = static_cast<double>(padded_tokens_);
    report.padding->padded_share = padded / (padded + static_cast<double>(tokens_));
  }
  MeasureMethods(report);
  DrawSegments(report);
  report.verdict = VerdictOf(report, methods_);
  return report;
}

void StreamComparison::MeasureOrder(BatchOrder order, ComparisonReport& report) const {
  const bool by_group = order == BatchOrder::kBySequence || order == BatchOrder::kByPosition;
  if (by_group && !sample_.has_sequences()) return;
  for (const int64_t size : plan_.batch_sizes) {
    if (size == 0 && !by_group) continue;
    Cell cell = MakeCell(order, size, false);
    sample_.ForEach(
        order, plan_.seed, [&](const Tokens& tokens) { cell.Train(tokens); },
        [&] { cell.EndTrainingGroup(); });
    if (cell.batches() == 0) continue;
    cell.FinishTraining(whole_);
    sample_.ForEach(
        order, plan_.seed, [&](const Tokens& tokens) { cell.Infer(tokens); },
        [&] { cell.EndInferenceGroup(); });
    report.cells.push_back(cell.Result());
    report.cells.back().from_sample = !sample_.is_complete();
  }
}

void StreamComparison::MeasureCoBatches(ComparisonReport& report) const {
  // Probes, and all others, from which their mates are drawn.
  std::vector<Tokens> mates = sample_.Singles();
  SeededRandom random(plan_.seed);
  Shuffle(random, mates);
  const size_t count = std::min(kProbes, mates.size() / 2);
  if (count == 0) return;
  const std::vector<Tokens> probes(mates.end() - static_cast<int64_t>(count), mates.end());
  mates.resize(mates.size() - count);
  for (size_t i = 0; i < cells_.size(); ++i) {
    CellReport& cell = report.cells[i];
    if (cell.usual_batch_size > static_cast<int64_t>(mates.size())) continue;
    for (size_t method = 0; method < cell.methods.size(); ++method) {
      const auto outputs = OutputsAmongMates(methods_[method], mates, probes, cell.usual_batch_size,
                                             kCoBatches, plan_.seed);
      if (outputs) cell.methods[method].co_batch_sensitivity = SensitivityOf(*outputs, channels_);
    }
  }
  std::optional<int64_t> channel;  // where the first method's outputs for a token vary most
  for (const int64_t size : kDrawnMates) {
    for (size_t method = 0; method < methods_.size(); ++method) {
      const auto outputs = OutputsAmongMates(methods_[method], mates, {probes.front()}, size,
                                             kDrawnBatches, plan_.seed);
      if (!outputs) continue;
      if (!channel) channel = MostVariedChannel(*outputs);
      CoBatchPlot& plot = report.plots.co_batches.emplace_back();
      plot.method = static_cast<int>(method);
      plot.batch_size = size;
      plot.channel = *channel;
      for (const std::vector<double>& output : *outputs) plot.outputs.push_back(output[*channel]);
    }
  }
}

void StreamComparison::MeasureShapes(ComparisonReport& report) const {
  const std::vector<Tokens> tokens = sample_.Singles();
  StreamSegments pieces(channels_);
  for (const Tokens& token : tokens) pieces.Add(token);
  const Moments moments = pieces.All();
  ChannelShapeSums sums(moments);
  for (const Tokens& token : tokens) sums.Add(token);
  report.channels = sums.Result();
}

void StreamComparison::ForEachPosition(
    absl::FunctionRef<void(int64_t, const Moments&)> body) const {
  int64_t open = 0;
  Moments moments(channels_);
  Moments one(channels_);
  const auto end = [&] {
    if (moments.count > 0) body(open, moments);
    moments = Moments(channels_);
  };
  sample_.ForEachAt([&](int64_t position, const Tokens& token) {
    if (position != open) end();
    open = position;
    one.Compute(token.data, token.layout());
    moments.Merge(one);
  });
  end();
}

void StreamComparison::LeaveOutConstantPositions() {
  // The same token comes out of a network with other rounding each time.
  constexpr double kNegligible = 1e-6;
  ForEachPosition([&](int64_t position, const Moments& moments) {
    bool is_constant = true;
    for (size_t c = 0; c < whole_.m2.size(); ++c) {
      const double most = kNegligible * whole_.m2[c] / whole_.count;
      is_constant = is_constant && moments.m2[c] / moments.count <= most;
    }
    if (moments.count > 1 && is_constant) constant_positions_.push_back(position);
  });
  sample_.LeaveOut(constant_positions_);
}

void StreamComparison::MeasurePositions(ComparisonReport& report) const {
  GroupSplit split(channels_);
  ForEachPosition([&](int64_t position, const Moments& moments) {
    const bool is_constant =
        std::binary_search(constant_positions_.begin(), constant_positions_.end(), position);
    if (!is_constant) split.Add(moments);
  });
  report.by_position = split.Result();
  if (report.by_position) report.by_position->constant_positions = constant_positions_;
}

void StreamComparison::MeasureMethods(ComparisonReport& report) const {
  for (size_t i = 0; i < methods_.size(); ++i) {
    MethodReport& method = report.methods.emplace_back();
    method.padding_gap = padding_.GapOf(i);
    method.state_bytes = StateBytes(methods_[i]);
    method.nanoseconds_per_token = NanosecondsPerToken(methods_[i]);
    for (const Cell& cell : cells_) {
      if (cell.batch_size() != plan_.batch_size_in_use.value_or(0)) continue;
      method.cold_start_tokens = cell.ColdStartTokens(i);
    }
  }
}

double StreamComparison::NanosecondsPerToken(const ComparedMethod& method) const {
  if (!method.takes_tokens()) return 0;
  ChannelCoefficients coefficients;
  if (method.channels() != nullptr) coefficients = method.channels()->CoefficientsOf(whole_);
  double best = 0;
  sample_.ForEach(
      BatchOrder::kArrival, plan_.seed,
      [&](const Tokens& tokens) {
        std::vector<double> outputs(tokens.count * channels_);
        const int64_t begin = clock_();
        method.Apply(&coefficients, tokens, outputs.data());
        const double time =
            static_cast<double>(clock_() - begin) / static_cast<double>(tokens.count);
        if (best == 0 || time < best) best = time;
      },
      [] {});
  return best;
}

void StreamComparison::DrawSegments(ComparisonReport& report) const {
  Plots& plots = report.plots;
  std::vector<ChannelSeries> channels;
  for (int64_t c = 0; c < channels_; ++c) {
    if (whole_.m2[c] > 0) channels.push_back({c, {}});
  }
  int64_t end = 0;
  for (const Moments& segment : segments_.segments()) {
    end += static_cast<int64_t>(segment.count);
    plots.segment_ends.push_back(end);
    double sum = 0;
    for (ChannelSeries& series : channels) {
      const double deviation = std::sqrt(whole_.m2[series.channel] / whole_.count);
      const double shift = (segment.mean[series.channel] - whole_.mean[series.channel]) / deviation;
      series.values.push_back(shift);
      sum += std::abs(shift);
    }
    plots.discrepancy.push_back(channels.empty() ? 0 : sum / static_cast<double>(channels.size()));
    plots.discrepancy_floor.push_back(
        NoiseFloors(segment.count, WholeReference{whole_.count}).mean.value_or(0));
  }
  const auto square = [](const ChannelSeries& series) {
    return std::inner_product(series.values.begin(), series.values.end(), series.values.begin(),
                              0.0);
  };
  std::stable_sort(
      channels.begin(), channels.end(),
      [&](const ChannelSeries& a, const ChannelSeries& b) { return square(a) > square(b); });
  if (channels.size() > kDrawnChannels) channels.resize(kDrawnChannels);
  plots.channels = std::move(channels);
  for (const Cell& cell : cells_) {
    for (size_t i = 0; i < cell.densities().size(); ++i) {
      const Density& density = cell.densities()[i];
      if (density.empty()) continue;
      plots.densities.push_back(
          {static_cast<int>(i / 2), cell.batch_size(), i % 2 == 0, density.Shares()});
    }
  }
}

}  // namespace normd
