#include "client/cli/bench_report.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace normd::cli {
namespace {

using Rounds = std::vector<BenchRound>;

struct Figure {
  const char* name;
  double BenchRound::*value;
};
constexpr Figure kFigures[] = {{"tokens_per_s", &BenchRound::tokens_per_s},
                               {"p50_us", &BenchRound::p50_us},
                               {"p99_us", &BenchRound::p99_us},
                               {"p999_us", &BenchRound::p999_us},
                               {"max_us", &BenchRound::max_us},
                               {"cpu_us", &BenchRound::cpu_us},
                               {"server_cpus", &BenchRound::server_cpus},
                               {"generator_cpus", &BenchRound::generator_cpus},
                               {"unsent", &BenchRound::unsent}};
// Those that are compared.
constexpr Figure kRatios[] = {{"throughput", &BenchRound::tokens_per_s},
                              {"p50", &BenchRound::p50_us},
                              {"p99", &BenchRound::p99_us},
                              {"p999", &BenchRound::p999_us},
                              {"max", &BenchRound::max_us},
                              {"cpu", &BenchRound::cpu_us}};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

double MedianOf(const Rounds& rounds, double BenchRound::*value) {
  std::vector<double> values;
  for (const BenchRound& round : rounds) values.push_back(round.*value);
  return Median(std::move(values));
}

// Round by round; 0 where a figure is not known.
std::vector<double> RatiosOf(const Rounds& rounds, const Rounds& baseline,
                             double BenchRound::*value) {
  std::vector<double> ratios;
  for (size_t i = 0; i < rounds.size(); ++i) {
    const double base = baseline[i].*value;
    ratios.push_back(base > 0 ? rounds[i].*value / base : 0);
  }
  return ratios;
}

std::string FiguresAsJson(const Rounds& rounds) {
  return absl::StrCat("{",
                      absl::StrJoin(kFigures, ", ",
                                    [&](std::string* out, const Figure& figure) {
                                      absl::StrAppendFormat(out, "\"%s\": %.6g", figure.name,
                                                            MedianOf(rounds, figure.value));
                                    }),
                      "}");
}

std::string RatiosAsJson(const Rounds& rounds, const Rounds& baseline) {
  return absl::StrCat(
      "{",
      absl::StrJoin(kRatios, ", ",
                    [&](std::string* out, const Figure& figure) {
                      const auto ratios = RatiosOf(rounds, baseline, figure.value);
                      const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
                      absl::StrAppendFormat(
                          out, "\"%s\": %.4f, \"%s_least\": %.4f, \"%s_most\": %.4f", figure.name,
                          Median(ratios), figure.name, *least, figure.name, *most);
                    }),
      "}");
}

std::string FiguresAsText(const char* name, const Rounds& rounds) {
  const auto median = [&](double BenchRound::*value) { return MedianOf(rounds, value); };
  std::string line = absl::StrFormat(
      "%-9s %10.0f rows/s   p50 %7.1f   p99 %7.1f   p99.9 %7.1f   max %8.1f us", name,
      median(&BenchRound::tokens_per_s), median(&BenchRound::p50_us), median(&BenchRound::p99_us),
      median(&BenchRound::p999_us), median(&BenchRound::max_us));
  if (const double cpu = median(&BenchRound::cpu_us); cpu > 0) {
    absl::StrAppendFormat(&line, "   cpu %.2f us a row, %.2f of a processor", cpu,
                          median(&BenchRound::server_cpus));
  }
  if (const double unsent = median(&BenchRound::unsent); unsent > 0) {
    absl::StrAppendFormat(&line, "   %.0f chunks too late to be sent", unsent);
  }
  return absl::StrCat(line, "\n");
}

std::string RatiosAsText(const char* name, const Rounds& rounds, const Rounds& baseline) {
  std::string line = absl::StrFormat("%-20s", name);
  for (const Figure& figure : kRatios) {
    const auto ratios = RatiosOf(rounds, baseline, figure.value);
    const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
    if (*most == 0) continue;
    absl::StrAppendFormat(&line, " %s %.2f (%.2f to %.2f) ", figure.name, Median(ratios), *least,
                          *most);
  }
  return absl::StrCat(line, "\n");
}

}  // namespace

BenchRound BenchRound::Of(const client::LoadResult& result, int64_t rows_per_chunk) {
  const double rows = static_cast<double>(result.answers * rows_per_chunk);
  const auto quantile = [&](double q) {
    return 1e-3 * static_cast<double>(result.latencies.Quantile(q));
  };
  BenchRound round;
  round.tokens_per_s = rows / result.seconds;
  round.p50_us = quantile(0.5);
  round.p99_us = quantile(0.99);
  round.p999_us = quantile(0.999);
  round.max_us = 1e-3 * static_cast<double>(result.latencies.max());
  round.cpu_us = rows > 0 ? 1e6 * result.server_cpu_seconds / rows : 0;
  round.server_cpus = result.server_cpu_seconds / result.seconds;
  round.generator_cpus = result.generator_cpu_seconds / result.seconds;
  round.unsent = static_cast<double>(result.unsent);
  return round;
}

std::string BenchReport::ToJson() const {
  std::string json = absl::StrCat("{\"server\": ", FiguresAsJson(server));
  if (!baseline.empty()) {
    absl::StrAppend(&json, ", \"baseline\": ", FiguresAsJson(baseline),
                    ", \"ratio\": ", RatiosAsJson(server, baseline));
  }
  if (!control.empty()) {
    absl::StrAppend(&json, ", \"control\": ", FiguresAsJson(control),
                    ", \"control_ratio\": ", RatiosAsJson(control, baseline));
  }
  return absl::StrCat(json, "}\n");
}

std::string BenchReport::ToText() const {
  std::string text = FiguresAsText("server", server);
  if (!baseline.empty()) absl::StrAppend(&text, FiguresAsText("baseline", baseline));
  if (!control.empty()) absl::StrAppend(&text, FiguresAsText("control", control));
  if (!baseline.empty()) {
    absl::StrAppend(&text, RatiosAsText("server / baseline", server, baseline));
  }
  if (!control.empty()) {
    absl::StrAppend(&text, RatiosAsText("control / baseline", control, baseline));
  }
  absl::StrAppendFormat(&text, "generator  %.2f of a processor\n",
                        MedianOf(server, &BenchRound::generator_cpus));
  return text;
}

}  // namespace normd::cli
