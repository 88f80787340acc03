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
    return method->output_gap ? method->output_gap->overall
                              : std::numeric_limits<double>::infinity();
  }
  // What the ends of an interval are of its value: of the discrepancy's, which is the gap's cause.
  std::pair<double, double> Interval() const {
    if (!method->discrepancies) return {1, 1};
    const auto& measured = (*method->discrepancies)[DiscrepancyKind::kFinalMean].measured;
    if (!measured || !measured->low || measured->value <= 0) return {1, 1};
    return {*measured->low / measured->value, *measured->high / measured->value};
  }
  std::optional<Estimate> Ratio() const {
    if (!method->discrepancies) return std::nullopt;
    return (*method->discrepancies)[DiscrepancyKind::kFinalMean].ratio();
  }
};

std::optional<Subject> SubjectOf(const ComparisonReport& report,
                                 absl::Span<const ComparedMethod> methods) {
  const auto method = std::find_if(methods.begin(), methods.end(),
                                   [](const ComparedMethod& m) { return m.keeps_moments(); });
  if (method == methods.end()) return std::nullopt;
  for (const CellReport& cell : report.cells) {
    const bool is_it = cell.order == BatchOrder::kArrival && !cell.with_padding &&
                       cell.batch_size == report.plan.batch_size_in_use.value_or(0);
    if (is_it && cell.batches > 0) return Subject{&cell, &cell.methods[method - methods.begin()]};
  }
  return std::nullopt;
}

std::string Percent(double share) { return absl::StrFormat("%.3g %%", 100 * share); }

// Why a batch does not stand for the whole, or does.
std::string ReasonOfSize(const Subject& subject, double largest_gap, double largest_ratio) {
  const int64_t n = subject.batch_size();
  const double worth = subject.cell->effective_batch_size.value_or(static_cast<double>(n));
  const std::optional<Estimate> ratio = subject.Ratio();
  if (ratio && ratio->low.value_or(ratio->value) > largest_ratio) {
    return absl::StrFormat(
        "tokens of a batch resemble one another: %d of them are worth %.3g independent ones (means "
        "are %.3g times as far off as chance alone would have them); shuffle, or take more "
        "sequences into a batch",
        n, worth, ratio->value);
  }
  if (subject.gap() <= largest_gap) {
    return absl::StrFormat("a batch of %d tokens is worth %.3g independent ones", n, worth);
  }
  if (!std::isfinite(subject.gap())) return "a single token is its own mean: training refuses it";
  const double enough = static_cast<double>(n) * std::pow(subject.gap() / largest_gap, 2);
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

// What is worth knowing beside what decided.
void AddRemarks(const ComparisonReport& report, const Subject& subject,
                std::vector<std::string>& reasons) {
  const auto& gap = subject.method->output_gap;
  if (gap && gap->p99 > 2 * report.plan.thresholds.largest_gap) {
    reasons.push_back(
        absl::StrFormat("one token in a hundred differs by %s or more", Percent(gap->p99)));
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
  if (report.channels.outliers > 0) {
    reasons.push_back(absl::StrFormat("%d of %d channels stand out in scale or by single values",
                                      report.channels.outliers, report.channels.count));
  }
}

Verdict NotEnough(Verdict verdict, int64_t tokens, std::string reason) {
  verdict.kind = Verdict::Kind::kNotEnoughData;
  verdict.tokens_needed = tokens;
  verdict.summary = absl::StrCat("Not enough data to say: about ", tokens, " tokens would do.");
  verdict.reasons.insert(verdict.reasons.begin(), std::move(reason));
  return verdict;
}

}  // namespace

Verdict VerdictOf(const ComparisonReport& report, absl::Span<const ComparedMethod> methods) {
  const VerdictThresholds& limits = report.plan.thresholds;
  Verdict verdict;
  verdict.thresholds = limits;
  const std::optional<Subject> subject = SubjectOf(report, methods);
  if (!subject) {
    verdict.summary =
        "Not enough data to say: no batch was complete, or no method keeps a mean and variance.";
    return verdict;
  }
  const int64_t n = subject->batch_size();
  const double gap = subject->gap();
  const auto [low, high] = subject->Interval();
  const double excess = report.drift ? report.drift->excess : 0;
  const bool drifts = excess > limits.largest_drift;
  const auto tokens = static_cast<double>(report.tokens);
  verdict.batch_size = n;
  if (subject->cell->batches < kFewestBatches) {
    return NotEnough(verdict, kFewestBatches * n,
                     absl::StrFormat("%d batches of %d tokens are too few to compare",
                                     subject->cell->batches, n));
  }
  const bool is_open = gap * low <= limits.largest_gap && gap * high > limits.largest_gap;
  if (!drifts && std::isfinite(gap) && is_open && high - low > limits.widest_interval) {
    return NotEnough(
        verdict,
        std::llround(std::ceil(tokens * std::pow((high - low) / limits.widest_interval, 2))),
        absl::StrFormat("the output gap of %s may lie on either side of %s: its interval reaches "
                        "from %s to %s",
                        Percent(gap), Percent(limits.largest_gap), Percent(gap * low),
                        Percent(gap * high)));
  }
  const std::string of_gap =
      std::isfinite(gap)
          ? absl::StrFormat(
                "training's outputs differ from inference's by %s (at most %s is let "
                "pass)%s",
                Percent(gap), Percent(limits.largest_gap), ExactMethods(*subject->cell, methods))
          : "there is no output of training to compare";
  verdict.reasons = {of_gap, ReasonOfSize(*subject, limits.largest_gap, limits.largest_ratio)};
  const std::string of_drift =
      report.drift ? absl::StrFormat(
                         "the last quarter of the stream is %.3g deviations from the first, beyond "
                         "chance (at most %.3g is let pass)",
                         excess, limits.largest_drift)
                   : "the stream is too short, or too constant, to see a drift";
  if (gap <= limits.largest_gap) {
    verdict.kind = Verdict::Kind::kBatchNormIsFine;
    verdict.summary =
        absl::StrFormat("BatchNorm is fine here: batches of %d tokens stand for the whole.", n);
    if (drifts) verdict.reasons.push_back(absl::StrCat("but ", of_drift));
  } else if (drifts) {
    verdict.kind = Verdict::Kind::kUseLayerNorm;
    verdict.summary = absl::StrFormat(
        "Use LayerNorm: neither do batches of %d tokens stand for the whole, nor do the statistics "
        "of "
        "the whole stand for its parts.",
        n);
    verdict.reasons.insert(verdict.reasons.begin() + 1, of_drift);
  } else if (report.drift && report.drift->mean_shift_floor > limits.largest_drift) {
    return NotEnough(
        verdict,
        std::llround(
            std::ceil(tokens * std::pow(report.drift->mean_shift_floor / limits.largest_drift, 2))),
        "a drift could not be told from chance yet");
  } else {
    verdict.kind = Verdict::Kind::kUseFrozenStatistics;
    verdict.summary = absl::StrFormat(
        "Use running statistics, frozen: batches of %d tokens do not stand for the whole, but the "
        "statistics of all tokens do. Fit them, freeze them, then normalize by them; or use "
        "LayerNorm, which needs none.",
        n);
    verdict.reasons.push_back(of_drift);
  }
  AddRemarks(report, *subject, verdict.reasons);
  return verdict;
}

}  // namespace normd
