#include "core/comparison/verdict.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace normd {
namespace {

constexpr int64_t kFewestBatches = 8;

// The cell that the verdict is about, and its method.
struct Subject {
  const CellReport* cell = nullptr;
  const CellMethod* method = nullptr;

  int64_t batch_size() const { return cell->usual_batch_size; }
  // Infinite where TRAINING refuses such batches.
  double gap() const {
    return method->output_gap ? method->output_gap->overall.value
                              : std::numeric_limits<double>::infinity();
  }
  // The ends of its interval: itself where there is none.
  std::pair<double, double> Interval() const {
    if (!method->output_gap || !method->output_gap->overall.low) return {gap(), gap()};
    return {*method->output_gap->overall.low, *method->output_gap->overall.high};
  }
  std::optional<Estimate> Ratio() const {
    if (!method->discrepancies) return std::nullopt;
    return (*method->discrepancies)[DiscrepancyKind::kFinalMean].ratio();
  }
};

// The first that keeps a mean and variance, if there is one.
std::optional<size_t> MethodOf(absl::Span<const ComparedMethod> methods) {
  const auto method = std::find_if(methods.begin(), methods.end(),
                                   [](const ComparedMethod& m) { return m.keeps_moments(); });
  if (method == methods.end()) return std::nullopt;
  return method - methods.begin();
}

// Absent where no batch of the size in use was complete.
std::optional<Subject> SubjectOf(const ComparisonReport& report, size_t method) {
  for (const CellReport& cell : report.cells) {
    const bool is_it = cell.order == BatchOrder::kArrival && !cell.with_padding &&
                       cell.batch_size == report.plan.batch_size_in_use.value_or(0);
    if (is_it && cell.batches > 0) return Subject{&cell, &cell.methods[method]};
  }
  return std::nullopt;
}

std::string Percent(double share) {
  return share < 10 ? absl::StrFormat("%.3g %%", 100 * share)
                    : absl::StrFormat("%.3g times", share);
}

// "1 token", "2 tokens".
std::string Counted(int64_t count, const char* noun) {
  return absl::StrCat(count, " ", noun, count == 1 ? "" : "s");
}

// Why a batch does not stand for the whole, or does.
std::string ReasonOfSize(const Subject& subject, const VerdictThresholds& limits,
                         bool has_sequences) {
  const int64_t n = subject.batch_size();
  const double worth = subject.cell->effective_batch_size.value_or(static_cast<double>(n));
  const std::optional<Estimate> ratio = subject.Ratio();
  if (ratio && ratio->low.value_or(ratio->value) > limits.largest_ratio) {
    return absl::StrFormat(
        "tokens of a batch resemble one another: %d of them are worth %.3g independent ones (batch "
        "means are %.3g times as far off as those of independent tokens); shuffle, or take %s",
        n, worth, ratio->value, has_sequences ? "more sequences into a batch" : "larger batches");
  }
  if (subject.gap() <= limits.largest_gap) {
    return absl::StrFormat(
        "a batch of %d tokens is worth %.3g independent ones: its mean varies as theirs would", n,
        worth);
  }
  const double enough = static_cast<double>(n) * std::pow(subject.gap() / limits.largest_gap, 2);
  return absl::StrFormat(
      "a batch of %d tokens is too small: it is worth %.3g independent ones, and about %.0f tokens "
      "would do",
      n, worth, std::ceil(enough));
}

// "; LayerNorm's by 0": the methods whose outputs never differed.
std::string ExactMethods(const CellReport& cell, absl::Span<const ComparedMethod> methods) {
  std::string text;
  for (size_t i = 0; i < methods.size(); ++i) {
    const auto& gap = cell.methods[i].output_gap;
    if (methods[i].channels() != nullptr || !gap || gap->largest > 0) continue;
    absl::StrAppend(&text, "; ", std::string(TraitsOf(methods[i].spec().method).title), "'s by 0");
  }
  return text;
}

void AddLeftOut(const ComparisonReport& report, std::vector<std::string>& reasons) {
  if (report.non_finite_tokens == 0) return;
  reasons.push_back(absl::StrCat(Counted(report.non_finite_tokens, "token"),
                                 " with values that are not finite left out"));
}

// What is worth knowing beside what decided.
void AddRemarks(const ComparisonReport& report, const Subject& subject,
                std::vector<std::string>& reasons) {
  const auto& gap = subject.method->output_gap;
  if (gap && gap->p99 > 2 * report.plan.thresholds.largest_gap) {
    reasons.push_back(
        absl::StrFormat("one token in a hundred differs by %s or more", Percent(gap->p99)));
  }
  if (report.channels.count == 1) {
    reasons.push_back("LayerNorm is no way out: of a single feature it leaves only 0");
  }
  if (report.by_position && !report.by_position->constant_positions.empty()) {
    reasons.push_back(absl::StrCat(
        "position ", report.by_position->constant_positions.front(),
        " always holds the same token, as a start token does: it says nothing about the others"));
  }
  if (report.padding) {
    reasons.push_back(
        absl::StrFormat("%s of the tokens are padding: taken for tokens, they would move the "
                        "batches' variance from "
                        "%.3g to %.3g",
                        Percent(report.padding->padded_share), report.padding->variance_without,
                        report.padding->variance_with));
  }
  if (const int64_t outliers = report.channels.outliers; outliers > 0) {
    reasons.push_back(absl::StrFormat("%d of %d channels %s out in scale or by single values",
                                      outliers, report.channels.count,
                                      outliers == 1 ? "stands" : "stand"));
  }
  AddLeftOut(report, reasons);
}

Verdict NotEnough(const ComparisonReport& report, Verdict verdict, double tokens,
                  std::string reason) {
  // Independent ones let a drift of the limit be told from chance.
  const double for_drift = 16 / M_PI / std::pow(report.plan.thresholds.largest_drift, 2);
  constexpr double kMost = 0x1p53;
  verdict.kind = Verdict::Kind::kNotEnoughData;
  verdict.tokens_needed = std::llround(std::min(std::ceil(std::max(tokens, for_drift)), kMost));
  verdict.summary =
      absl::StrFormat("Not enough data to say: about %d tokens would do; this has %d.",
                      *verdict.tokens_needed, report.tokens);
  verdict.reasons = {std::move(reason)};
  AddLeftOut(report, verdict.reasons);
  return verdict;
}

Verdict TooFewBatches(const ComparisonReport& report, const Verdict& verdict, int64_t batches) {
  const int64_t n = verdict.batch_size;
  int64_t tokens = kFewestBatches * n;
  if (tokens <= report.tokens) {
    tokens = report.tokens * kFewestBatches / std::max<int64_t>(batches, 1);
  }
  const std::string found =
      batches == 0 ? "no batch"
                   : absl::StrCat("only ", batches, batches == 1 ? " batch" : " batches");
  return NotEnough(
      report, verdict, static_cast<double>(tokens),
      absl::StrFormat("%s of %s: at least %d must be compared; bring more tokens, or take "
                      "smaller batches (fewer rows per chunk, or another batch size in use)",
                      found, Counted(n, "token"), kFewestBatches));
}

// Where there is nothing to judge.
Verdict None(Verdict verdict, const char* why) {
  verdict.summary = absl::StrCat("No verdict: ", why, ".");
  return verdict;
}

}  // namespace

Verdict VerdictOf(const ComparisonReport& report, absl::Span<const ComparedMethod> methods) {
  const VerdictThresholds& limits = report.plan.thresholds;
  Verdict verdict;
  verdict.thresholds = limits;
  verdict.method = MethodOf(methods);
  if (!verdict.method) {
    return None(verdict,
                "none of these methods takes its mean and variance from batches, as BatchNorm "
                "does");
  }
  const std::optional<Subject> subject = SubjectOf(report, *verdict.method);
  verdict.batch_size = subject ? subject->batch_size() : report.plan.batch_size_in_use.value_or(0);
  const int64_t n = verdict.batch_size;
  if (report.tokens == 0) {
    return NotEnough(report, verdict, static_cast<double>(kFewestBatches * n),
                     "there is no token to measure");
  }
  if (!subject) return TooFewBatches(report, verdict, 0);
  if (subject->cell->batches < kFewestBatches) {
    return TooFewBatches(report, verdict, subject->cell->batches);
  }
  const ChannelShapes& channels = report.channels;
  if (!report.drift && channels.count > 0 && channels.without_variance == channels.count) {
    return None(verdict, "every feature has one value only, which any normalization turns into 0");
  }
  const double gap = subject->gap();
  const auto [low, high] = subject->Interval();
  const double excess = report.drift ? report.drift->excess : 0;
  const bool drifts = excess > limits.largest_drift;
  const auto tokens = static_cast<double>(report.tokens);
  const bool is_open = low <= limits.largest_gap && high > limits.largest_gap;
  if (!drifts && is_open && high - low > limits.widest_interval * gap) {
    return NotEnough(
        report, verdict, tokens * std::pow((high - low) / (limits.widest_interval * gap), 2),
        absl::StrFormat("the output gap of %s may lie on either side of %s: its interval reaches "
                        "from %s to %s",
                        Percent(gap), Percent(limits.largest_gap), Percent(low), Percent(high)));
  }
  const bool is_fine = gap <= limits.largest_gap;
  const double floor = report.drift ? report.drift->mean_shift_floor : HUGE_VAL;
  if (!is_fine && !drifts && floor > limits.largest_drift) {
    return NotEnough(report, verdict,
                     report.drift ? tokens * std::pow(floor / limits.largest_drift, 2) : 0,
                     "a drift could not be told from chance yet");
  }
  const std::string title(TraitsOf(methods[*verdict.method].spec().method).title);
  if (std::isfinite(gap)) {
    verdict.reasons = {
        absl::StrFormat("%s's outputs in training differ from those in inference by %s (at most %s "
                        "is let pass)%s",
                        title, Percent(gap), Percent(limits.largest_gap),
                        ExactMethods(*subject->cell, methods)),
        ReasonOfSize(*subject, limits, report.sequences > 0)};
  } else {
    verdict.reasons = {absl::StrCat("a single token is its own mean: ", title,
                                    "'s training refuses it, and has no output to compare")};
  }
  const std::string of_drift = absl::StrFormat(
      "from the first to the last quarter of the stream, statistics move by %.3g standard "
      "deviations more than by chance (at most %.3g is let pass)",
      excess, limits.largest_drift);
  const std::string batches = n == 1 ? "single tokens" : absl::StrFormat("batches of %d tokens", n);
  const bool one_feature = report.channels.count == 1;
  if (is_fine) {
    verdict.kind = Verdict::Kind::kBatchNormIsFine;
    verdict.summary = absl::StrFormat(
        "BatchNorm is fine here: %s have nearly the statistics of the whole stream, so that "
        "training "
        "and inference agree.",
        batches);
    if (drifts) verdict.reasons.push_back(absl::StrCat("but ", of_drift));
  } else if (drifts) {
    verdict.kind = Verdict::Kind::kUseLayerNorm;
    verdict.summary = absl::StrFormat(
        "%s: the statistics of %s are far from those of the whole stream, and as it drifts, those "
        "of the whole do not fit its parts either.",
        one_feature ? "Do not use BatchNorm" : "Use LayerNorm, not BatchNorm", batches);
    verdict.reasons.insert(verdict.reasons.begin() + 1, of_drift);
  } else {
    verdict.kind = Verdict::Kind::kUseFrozenStatistics;
    verdict.summary = absl::StrFormat(
        "Use BatchNorm with frozen statistics: the statistics of %s are far from those of the "
        "whole "
        "stream, but it does not drift. Fit BatchNorm's to all tokens, freeze them, then normalize "
        "by "
        "them%s.",
        batches, one_feature ? "" : "; or use LayerNorm, which needs none");
    verdict.reasons.push_back(of_drift);
  }
  AddRemarks(report, *subject, verdict.reasons);
  return verdict;
}

}  // namespace normd
