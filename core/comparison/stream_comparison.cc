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
  const ChannelLayout per_step = RowTokens::For(methods, row_shape).per_step();
  NORMD_RETURN_IF_ERROR(
      PrefixField("plan", Complete(plan, static_cast<int64_t>(methods.size()), per_step.channels)));
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
      cells_(plan_, false, methods_, channels),
      segments_(channels),
      sample_(plan_.seed, plan_.sample_bytes),
      by_sequence_(channels),
      padding_(methods_),
      sequence_(channels),
      whole_(channels),
      scratch_(channels) {
  for (Cell& cell : cells_.cells()) {
    if (IsDrawn(cell.batch_size())) cell.CountOutputs();
    if (cell.batch_size() == plan_.batch_size_in_use.value_or(0)) cell.WatchColdStart();
  }
}

void StreamComparison::Add(const ChunkTokens& valid, const ChunkTokens* with_padding) {
  tokens_ += valid.tokens.count;
  non_finite_tokens_ += valid.non_finite;
  segments_.Add(valid.tokens);
  scales_.Add(valid.tokens);
  cells_.Train(valid.tokens);
  AddSequences(valid);
  if (with_padding != nullptr) {
    padded_tokens_ += with_padding->tokens.count - valid.tokens.count;
    padding_.Add(valid.tokens, with_padding->tokens);
    if (!padded_) padded_.emplace(plan_, methods_, channels_);
  }
  if (padded_) padded_->Add(with_padding != nullptr ? with_padding->tokens : valid.tokens);
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

void StreamComparison::EndFirstPass(StopRequest& stop) {
  EndSequence();
  sample_.Finish();
  whole_ = segments_.All();
  if (sample_.has_sequences()) LeaveOutConstantPositions(stop);
  cells_.FinishTraining(whole_);
  first_pass_ended_ = true;
}

void StreamComparison::AddAgain(const ChunkTokens& valid, const ChunkTokens* with_padding) {
  if (!first_pass_ended_) {
    const auto no = [] { return false; };
    StopRequest never(no);
    EndFirstPass(never);
  }
  tokens_again_ += valid.tokens.count;
  cells_.Infer(valid.tokens);
  if (!padded_) return;
  if (with_padding != nullptr) {
    padded_->AddAgain(with_padding->tokens);
  } else if (padded_->comes_again()) {
    padded_->AddAgain(valid.tokens);
  }
}

std::optional<ComparisonReport> StreamComparison::Finish(absl::FunctionRef<bool()> is_abandoned) {
  StopRequest stop(is_abandoned);
  ComparisonReport report;
  const bool from_sample = !first_pass_ended_;
  if (from_sample) {
    EndFirstPass(stop);
    cells_.InferFrom(sample_, stop);
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
  cells_.AddResults(!is_whole, stop, report.cells);
  if (padded_) padded_->Finish(stop, report.cells);
  padded_.reset();  // what follows takes as much memory
  if (stop.IsMade()) return std::nullopt;
  MeasureCoBatches(stop, report);
  for (const BatchOrder order : plan_.orders) {
    if (order != BatchOrder::kArrival) MeasureOrder(order, stop, report);
  }
  report.variance_split = scales_.Result(whole_);
  report.by_sequence = by_sequence_.Result();
  if (sample_.has_sequences()) MeasurePositions(stop, report);
  MeasureShapes(stop, report);
  report.drift = DriftOf(segments_, plan_.seed, stop);
  report.padding = padding_.Effect(whole_);
  if (report.padding) {
    const auto padded = static_cast<double>(padded_tokens_);
    report.padding->padded_share = padded / (padded + static_cast<double>(tokens_));
  }
  MeasureMethods(stop, report);
  if (stop.IsMade()) return std::nullopt;
  DrawSegments(report);
  report.verdict = VerdictOf(report, methods_);
  return report;
}

void StreamComparison::MeasureOrder(BatchOrder order, StopRequest& stop,
                                    ComparisonReport& report) const {
  const bool by_group = order == BatchOrder::kBySequence || order == BatchOrder::kByPosition;
  if (by_group && !sample_.has_sequences()) return;
  for (const int64_t size : plan_.batch_sizes) {
    if (size == 0 && !by_group) continue;
    if (stop.IsMade()) return;
    Cell cell(order, size, false, methods_, channels_);
    MeasureCell(cell, order, stop, report);
  }
}

void StreamComparison::MeasureCell(Cell& cell, BatchOrder order, StopRequest& stop,
                                   ComparisonReport& report) const {
  sample_.ForEach(
      order, plan_.seed,
      [&](const Tokens& tokens) {
        if (!stop.IsMadeBefore(tokens.count)) cell.Train(tokens);
      },
      [&] { cell.EndTrainingGroup(); });
  if (cell.batches() == 0) return;
  cell.FinishTraining(whole_);
  sample_.ForEach(
      order, plan_.seed,
      [&](const Tokens& tokens) {
        if (!stop.IsMadeBefore(tokens.count)) cell.Infer(tokens);
      },
      [&] { cell.EndInferenceGroup(); });
  if (stop.IsMade()) return;
  report.cells.push_back(cell.Result(stop));
  report.cells.back().from_sample = !sample_.is_complete();
}

void StreamComparison::MeasureCoBatches(StopRequest& stop, ComparisonReport& report) const {
  // Probes, and all others, from which their mates are drawn.
  SingleTokens mates = sample_.Singles();
  SeededRandom random(plan_.seed);
  mates.ShuffleBy(random);
  const size_t count = std::min(kProbes, mates.size() / 2);
  if (count == 0) return;
  const SingleTokens probes = mates.TakeLast(count);
  SingleTokens first_probe;
  first_probe.Add(probes[0]);
  for (size_t i = 0; i < cells_.cells().size(); ++i) {
    CellReport& cell = report.cells[i];
    if (cell.usual_batch_size > static_cast<int64_t>(mates.size())) continue;
    for (size_t method = 0; method < cell.methods.size(); ++method) {
      if (stop.IsMade()) return;
      const auto outputs = OutputsAmongMates(methods_[method], mates, probes, cell.usual_batch_size,
                                             kCoBatches, plan_.seed, stop);
      if (outputs) cell.methods[method].co_batch_sensitivity = SensitivityOf(*outputs, channels_);
    }
  }
  std::optional<int64_t> channel;  // where the first method's outputs for a token vary most
  for (const int64_t size : kDrawnMates) {
    for (size_t method = 0; method < methods_.size(); ++method) {
      if (stop.IsMade()) return;
      const auto outputs = OutputsAmongMates(methods_[method], mates, first_probe, size,
                                             kDrawnBatches, plan_.seed, stop);
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

void StreamComparison::MeasureShapes(StopRequest& stop, ComparisonReport& report) const {
  const SingleTokens tokens = sample_.Singles();
  StreamSegments pieces(channels_);
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (stop.IsMadeBefore(1)) return;
    pieces.Add(tokens[i]);
  }
  const Moments moments = pieces.All();
  ChannelShapeSums sums(moments);
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (stop.IsMadeBefore(1)) return;
    sums.Add(tokens[i]);
  }
  report.channels = sums.Result();
}

void StreamComparison::ForEachPosition(
    StopRequest& stop, absl::FunctionRef<void(int64_t, const Moments&)> body) const {
  int64_t open = 0;
  Moments moments(channels_);
  Moments one(channels_);
  const auto end = [&] {
    if (moments.count > 0) body(open, moments);
    moments = Moments(channels_);
  };
  sample_.ForEachAt([&](int64_t position, const Tokens& token) {
    if (stop.IsMadeBefore(1)) return;
    if (position != open) end();
    open = position;
    one.Compute(token.data, token.layout());
    moments.Merge(one);
  });
  end();
}

void StreamComparison::LeaveOutConstantPositions(StopRequest& stop) {
  // The same token comes out of a network with other rounding each time.
  constexpr double kNegligible = 1e-6;
  ForEachPosition(stop, [&](int64_t position, const Moments& moments) {
    bool is_constant = true;
    for (size_t c = 0; c < whole_.m2.size(); ++c) {
      const double most = kNegligible * whole_.m2[c] / whole_.count;
      is_constant = is_constant && moments.m2[c] / moments.count <= most;
    }
    if (moments.count > 1 && is_constant) constant_positions_.push_back(position);
  });
  sample_.LeaveOut(constant_positions_);
}

void StreamComparison::MeasurePositions(StopRequest& stop, ComparisonReport& report) const {
  GroupSplit split(channels_);
  ForEachPosition(stop, [&](int64_t position, const Moments& moments) {
    const bool is_constant =
        std::binary_search(constant_positions_.begin(), constant_positions_.end(), position);
    if (!is_constant) split.Add(moments);
  });
  report.by_position = split.Result();
  if (report.by_position) report.by_position->constant_positions = constant_positions_;
}

void StreamComparison::MeasureMethods(StopRequest& stop, ComparisonReport& report) const {
  for (size_t i = 0; i < methods_.size(); ++i) {
    MethodReport& method = report.methods.emplace_back();
    method.padding_gap = padding_.GapOf(i);
    method.state_bytes = StateBytes(methods_[i]);
    method.nanoseconds_per_token = NanosecondsPerToken(methods_[i], stop);
    for (const Cell& cell : cells_.cells()) {
      if (cell.batch_size() != plan_.batch_size_in_use.value_or(0)) continue;
      method.cold_start = cell.ColdStartOf(i);
    }
  }
}

double StreamComparison::NanosecondsPerToken(const ComparedMethod& method,
                                             StopRequest& stop) const {
  if (!method.takes_tokens()) return 0;
  ChannelCoefficients coefficients;
  if (method.channels() != nullptr) coefficients = method.channels()->CoefficientsOf(whole_);
  double best = 0;
  sample_.ForEachInOrder(
      [&](const Tokens& tokens) {
        if (stop.IsMadeBefore(tokens.count)) return;
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
  for (const Cell& cell : cells_.cells()) {
    for (size_t i = 0; i < cell.densities().size(); ++i) {
      const Density& density = cell.densities()[i];
      if (density.empty()) continue;
      plots.densities.push_back(
          {static_cast<int>(i / 2), cell.batch_size(), i % 2 == 0, density.Shares()});
    }
  }
}

}  // namespace normd
