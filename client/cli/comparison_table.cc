#include "client/cli/comparison_table.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "google/protobuf/message.h"

namespace normd::cli {
namespace {

using v1::ColdStart;
using v1::Measurements;
using v1::MethodSummary;

constexpr int kLabelWidth = 36;
constexpr int kColumnWidth = 17;
constexpr char kNone[] = "-";

constexpr char kLegend[] = R"(
Output gap: outputs as in training against those as in inference, rms(difference) / rms(inference).
  Of a method that computes the same in both: a chunk as one batch against each row by itself.
Mean discrepancy: the chunk's means against the running ones, in running deviations.
Deviation discrepancy: the chunk's deviations against the running ones, as a share.
Noise floor: what independent, normally distributed rows would give. Ratio: how many floors it is.
Cold start: running statistics after so many values per channel against those of the whole stream.
All but the largest gap and cold start are means over chunks.
)";

std::string Figure(double value) { return absl::StrFormat("%.3g", value); }

std::string Ratio(double value, double floor) {
  return floor > 0 ? absl::StrFormat("%.2f x", value / floor) : kNone;
}

// The methods' names, numbered where one stands twice.
std::vector<std::string> ColumnNames(const v1::CompareOpened& opened) {
  std::vector<std::string> names;
  const auto* methods = v1::NormalizationSpec::descriptor()->FindOneofByName("method");
  for (const v1::NormalizationSpec& spec : opened.resolved_specs()) {
    const auto* method = spec.GetReflection()->GetOneofFieldDescriptor(spec, methods);
    names.push_back(method == nullptr ? kNone : method->name());
  }
  std::vector<std::string> numbered = names;
  for (size_t i = 0; i < names.size(); ++i) {
    const auto same =
        std::count(names.begin(), names.begin() + static_cast<ptrdiff_t>(i), names[i]);
    if (same > 0) absl::StrAppend(&numbered[i], " #", same + 1);
  }
  return numbered;
}

class Table {
 public:
  explicit Table(const v1::CompareSummary& summary) : summary_(summary) {}

  template <typename Cell>
  void AddRow(const std::string& label, Cell cell) {
    absl::StrAppendFormat(&text_, "%-*s", kLabelWidth, label);
    for (const MethodSummary& method : summary_.methods()) {
      absl::StrAppendFormat(&text_, " %*s", kColumnWidth, std::invoke(cell, method));
    }
    text_ += '\n';
  }

  // A discrepancy with its noise floor beside it.
  template <typename Has, typename Value, typename Floor>
  void AddDiscrepancy(const std::string& label, Has has, Value value, Floor floor) {
    const auto add = [&](const std::string& row, auto cell) {
      AddRow(row, [&](const MethodSummary& method) {
        const Measurements& measured = method.measurements();
        return std::invoke(has, measured) ? cell(measured) : std::string(kNone);
      });
    };
    add(label, [&](const Measurements& m) { return Figure(std::invoke(value, m)); });
    add("  noise floor", [&](const Measurements& m) { return Figure(std::invoke(floor, m)); });
    add("  ratio",
        [&](const Measurements& m) { return Ratio(std::invoke(value, m), std::invoke(floor, m)); });
  }

  // `cell` of what each method had after so many values, for every number that any has.
  template <typename Cell>
  void AddColdStart(const std::string& label, Cell cell) {
    std::set<double> values;
    for (const MethodSummary& method : summary_.methods()) {
      for (const ColdStart& early : method.cold_start()) values.insert(early.values());
    }
    if (values.empty()) return;
    absl::StrAppend(&text_, label, "\n");
    for (const double value : values) {
      AddRow(absl::StrFormat("  after %.12g values", value), [&](const MethodSummary& method) {
        for (const ColdStart& early : method.cold_start()) {
          if (early.values() == value) return cell(early);
        }
        return std::string(kNone);
      });
    }
  }

  std::string text() const { return text_; }

 private:
  const v1::CompareSummary& summary_;
  std::string text_;
};

}  // namespace

std::string ComparisonTable(const v1::CompareOpened& opened, const v1::CompareSummary& summary) {
  Table table(summary);
  table.AddRow("", [names = ColumnNames(opened), i = size_t{0}](const MethodSummary&) mutable {
    return i < names.size() ? names[i++] : std::string(kNone);
  });
  table.AddRow("values per channel, or rows", [](const MethodSummary& method) {
    return absl::StrCat(method.measurements().values());
  });
  table.AddRow("output gap", [](const MethodSummary& method) {
    const Measurements& measured = method.measurements();
    return measured.has_output_gap() ? Figure(100 * measured.output_gap()) + "%" : kNone;
  });
  table.AddRow("largest gap", [](const MethodSummary& method) {
    const Measurements& measured = method.measurements();
    return measured.has_largest_gap() ? Figure(measured.largest_gap()) : kNone;
  });
  table.AddDiscrepancy("mean discrepancy", &Measurements::has_mean_discrepancy,
                       &Measurements::mean_discrepancy, &Measurements::mean_noise_floor);
  table.AddDiscrepancy("deviation discrepancy", &Measurements::has_deviation_discrepancy,
                       &Measurements::deviation_discrepancy, &Measurements::deviation_noise_floor);
  table.AddRow("chunks refused by training", [&summary](const MethodSummary& method) {
    return absl::StrCat(method.chunks_refused_by_training(), " of ",
                        summary.last_sequence_number());
  });
  table.AddColdStart("cold start: mean discrepancy, ratio", [](const ColdStart& early) {
    return absl::StrCat(Figure(early.mean_discrepancy()), ", ",
                        Ratio(early.mean_discrepancy(), early.mean_noise_floor()));
  });
  table.AddColdStart("cold start: deviation discrepancy",
                     [](const ColdStart& early) { return Figure(early.deviation_discrepancy()); });
  return table.text() + kLegend;
}

}  // namespace normd::cli
