#include "client/cli/live_table.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"

namespace normd::cli {

LiveTable::LiveTable(std::vector<std::string> methods)
    : names_(std::move(methods)), methods_(names_.size()) {}

void LiveTable::Add(const v1::CompareResult& result) {
  ++chunks_;
  const size_t methods = std::min<size_t>(methods_.size(), result.methods_size());
  for (size_t i = 0; i < methods; ++i) {
    const v1::Measurements& from = result.methods(static_cast<int>(i)).measurements();
    Method& to = methods_[i];
    to.last = from;
    if (from.has_output_gap()) to.gap.Add(from.output_gap());
    if (from.has_mean_discrepancy()) {
      to.mean.Add(from.mean_discrepancy());
      to.mean_floor.Add(from.mean_noise_floor());
    }
    if (from.has_deviation_discrepancy() && from.has_deviation_noise_floor()) {
      to.deviation.Add(from.deviation_discrepancy());
      to.deviation_floor.Add(from.deviation_noise_floor());
    }
  }
  const absl::Time now = absl::Now();
  if (now < next_) return;
  next_ = now + absl::Milliseconds(250);
  Write();
}

std::string LiveTable::text() const {
  std::string text = absl::StrFormat("%-40s", absl::StrCat("after ", chunks_, " chunks"));
  for (const std::string& name : names_) absl::StrAppend(&text, absl::StrFormat("%20s", name));
  text += '\n';
  const auto add_row = [&](const char* label, auto cell) {
    absl::StrAppend(&text, absl::StrFormat("%-40s", label));
    for (const Method& method : methods_) {
      absl::StrAppend(&text, absl::StrFormat("%20s", cell(method)));
    }
    text += '\n';
  };
  const auto percent = [](double share) { return absl::StrFormat("%.3g %%", 100 * share); };
  const auto ratio = [](const Mean& mean, const Mean& floor) -> std::string {
    if (mean.count == 0 || floor.sum <= 0) return "-";
    return absl::StrFormat("%.2f x", mean.sum / floor.sum);
  };
  add_row("output gap, this chunk", [&](const Method& method) -> std::string {
    return method.last.has_output_gap() ? percent(method.last.output_gap()) : "-";
  });
  add_row("output gap, all", [&](const Method& method) -> std::string {
    if (method.gap.count == 0) return "-";
    return percent(method.gap.sum / static_cast<double>(method.gap.count));
  });
  add_row("means from the running ones, by chance",
          [&](const Method& method) { return ratio(method.mean, method.mean_floor); });
  add_row("deviations, by chance",
          [&](const Method& method) { return ratio(method.deviation, method.deviation_floor); });
  return text;
}

void LiveTable::Write() {
  const std::string table = text();
  if (isatty(STDOUT_FILENO) != 0 && lines_ > 0) std::printf("\033[%dA\033[J", lines_);
  std::fputs(table.c_str(), stdout);
  std::fflush(stdout);
  lines_ = static_cast<int>(std::count(table.begin(), table.end(), '\n'));
}

}  // namespace normd::cli
